"""The rows of voted_tags, from both rules."""
