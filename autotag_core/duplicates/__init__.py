"""Near duplicates: which two files hold the same GIF."""

from autotag_core.duplicates.decision import is_duplicate, picture_distances

__all__ = ["is_duplicate", "picture_distances"]
