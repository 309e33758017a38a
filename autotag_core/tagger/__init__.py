"""The AutoTagging model: trained on a release's voted dataset, asked for the tags of a new GIF."""
