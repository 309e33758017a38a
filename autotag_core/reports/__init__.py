"""What a person reads: why a GIF has its tags, and pictures of it."""
