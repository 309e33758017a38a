"""The stage duplicates: groups of near copies."""
