"""Finds what has not changed since the last night."""
