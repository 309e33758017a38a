"""Near duplicates: which two GIFs are the same one in other files."""

from autotag_core.duplicates.decision import color_distances, hash_distances, is_duplicate

__all__ = ["color_distances", "hash_distances", "is_duplicate"]
