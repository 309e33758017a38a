"""Settings of the search index."""

from __future__ import annotations

from typing import ClassVar

from autotag_core.config.section import Count, PositiveCount, Seconds, Section, Share


class ElasticsearchConfig(Section):
    """How search documents are indexed."""

    bulk_documents: ClassVar[int] = 1000
    """At most so many documents in one bulk request."""
    bulk_bytes: ClassVar[int] = 1024 * 1024
    """At most so many bytes in one bulk request."""
    attempts: ClassVar[int] = 8
    """Tries of one bulk request or of items answered with 429 or 503, with exponential backoff."""
    initial_backoff_s: ClassVar[float] = 0.5
    """Wait before the second try, seconds; doubled before each further one."""
    max_backoff_s: ClassVar[float] = 60
    """Longest wait between two tries, seconds."""
    timeout_s: Seconds = 60
    """For one answer, seconds."""
    max_refused_share: Share = 0.01
    """More refused documents than this share of all: the index is not published."""
    max_changed_share: Share = 0.2
    """Where at most this share of all documents differs from the last release, a copy of its index is changed; else a
    new one is filled. 0: always a new one."""
    keep_indexes: Count = 2
    """Earlier indexes that stay after the alias moved, to go back to."""
    shards: PositiveCount = 1
    """Primary shards of a new index."""
    replicas: Count = 1
    """Copies of each shard once the index is filled; 0 on a single node."""
    meaning: bool = False
    """Whether documents get a vector of what they mean, for `autotag translate` and `autotag serve-search`.
    MiniLM takes some 5 ms for each document whose words changed."""
    writers: PositiveCount = 8
    """Spark tasks that index at once."""
