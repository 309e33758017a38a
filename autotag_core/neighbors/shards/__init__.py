"""Shards of the references: written, loaded and searched, exactly or by HNSW."""
