"""Near duplicates: which two files hold the same GIF."""

from autotag_core.duplicates.decision import color_distances, hash_distances, is_duplicate

__all__ = ["color_distances", "hash_distances", "is_duplicate"]
