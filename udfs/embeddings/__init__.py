"""Rows of embeddings, by what they are made from."""
