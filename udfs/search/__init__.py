"""Search documents, and their way into Elasticsearch."""
