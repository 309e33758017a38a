"""Reports for people: why a GIF has its tags, and pictures of it."""
