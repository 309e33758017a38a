"""The editor's queue, out and back."""
