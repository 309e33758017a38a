"""A linear classifier of tags on one expert's vectors, as evidence for the judge."""
