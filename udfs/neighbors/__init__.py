"""Neighbors: exact, by shards, by graph; and merged with those of the base."""
