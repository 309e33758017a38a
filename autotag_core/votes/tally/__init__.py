"""Votes of neighbors, counted by tag."""
