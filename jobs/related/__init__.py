"""The stages related_tags, related_gifs and related_searches: what is near to each other."""
