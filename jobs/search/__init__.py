"""The stages that fill and publish the search index."""
