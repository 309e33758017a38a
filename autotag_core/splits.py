"""The names of the splits of a catalog."""

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
"""From the least protected to the most."""
