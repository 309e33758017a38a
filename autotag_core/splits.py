"""The names of the splits of a catalog."""

TRAIN, VALIDATION, TEST = "train", "validation", "test"
