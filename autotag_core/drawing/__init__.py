"""Drawn GIFs: what is in them, how it moves, and the file."""
