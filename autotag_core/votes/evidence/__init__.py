"""What is known about a (GIF, tag) pair."""
