"""What fine-tuning leaves in its folder. The first process writes both."""

BEST = "tuned.safetensors"
"""The weights of the best epoch."""
ROWS = "tuned.json"
"""A row of metrics an epoch."""
