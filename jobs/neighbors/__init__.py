"""The stage neighbors: search, what is kept of the base, saved shards."""
