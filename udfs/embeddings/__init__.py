"""Rows of embeddings, one file for each kind of input."""
