"""The expert over what is written in a GIF: language models and their loading."""
