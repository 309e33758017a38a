"""An embedder of faces of one's own: trained on a folder of people, or converted from a published checkpoint."""
