"""The base of a fine-tuned tagger: a network over frames whose last blocks learn with the head."""
