"""Search documents in Elasticsearch: a new index per run, filled in bulk, counted, published by moving one alias."""

from autotag_core.search.aliases import (
    check_alias,
    current_indexes,
    mark_published,
    move_alias,
    point_alias,
    prune_indexes,
    restore_alias,
    swap_alias,
)
from autotag_core.search.bulk import BulkOutcome, Refusal, bulk_index
from autotag_core.search.client import elasticsearch_client
from autotag_core.search.credentials import ElasticsearchCredentials, read_credentials
from autotag_core.search.indexes import check_count, create_index, finish_index, index_name
from autotag_core.search.queries import SearchHit, search_gifs

__all__ = [
    "BulkOutcome",
    "ElasticsearchCredentials",
    "Refusal",
    "SearchHit",
    "bulk_index",
    "check_alias",
    "check_count",
    "create_index",
    "current_indexes",
    "elasticsearch_client",
    "finish_index",
    "index_name",
    "mark_published",
    "move_alias",
    "point_alias",
    "prune_indexes",
    "read_credentials",
    "restore_alias",
    "search_gifs",
    "swap_alias",
]
