"""Related tags, GIFs and searches."""
