"""The people of GIFs as a model of the server, beside the tagger."""
