"""Search documents in Elasticsearch: an index is filled in bulk, counted, and published by moving one alias.

The nights after change it where documents differ.
"""

from autotag_core.search.aliases import (
    check_alias,
    current_indexes,
    held_release,
    mark_published,
    move_alias,
    prune_indexes,
    restore_alias,
    swap_alias,
)
from autotag_core.search.bulk import BulkOutcome, Refusal, bulk_change, bulk_index
from autotag_core.search.client import elasticsearch_client
from autotag_core.search.credentials import ElasticsearchCredentials, read_credentials
from autotag_core.search.indexes import check_count, count_refreshed, create_index, finish_index, index_name
from autotag_core.search.marks import Mark, change_mark, index_form, read_mark
from autotag_core.search.queries import SearchHit, search_gifs
from autotag_core.search.retries import ask

__all__ = [
    "BulkOutcome",
    "ElasticsearchCredentials",
    "Mark",
    "Refusal",
    "SearchHit",
    "ask",
    "bulk_change",
    "bulk_index",
    "change_mark",
    "check_alias",
    "check_count",
    "count_refreshed",
    "create_index",
    "current_indexes",
    "elasticsearch_client",
    "finish_index",
    "held_release",
    "index_form",
    "index_name",
    "mark_published",
    "move_alias",
    "prune_indexes",
    "read_credentials",
    "read_mark",
    "restore_alias",
    "search_gifs",
    "swap_alias",
]
