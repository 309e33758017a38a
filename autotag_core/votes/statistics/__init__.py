"""Counts of tags and of pairs of tags in a catalog."""
