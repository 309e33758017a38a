"""From evidence to a score, a probability, and whether that is enough."""
