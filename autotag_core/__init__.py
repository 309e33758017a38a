"""The logic of the retagging job: frames, experts, neighbors, votes, tables. Never imports pyspark."""

__version__ = "0.1.0"
