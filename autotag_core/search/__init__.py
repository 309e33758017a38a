"""Search documents in Elasticsearch: an index is filled in bulk, counted, and published by moving one alias.

The nights after change a copy of it where few documents differ. A night without Elasticsearch does not load its client.
"""

from typing import TYPE_CHECKING

from autotag_core.late_imports import late_names

if TYPE_CHECKING:
    from autotag_core.search.aliases import (
        at_start,
        check_alias,
        current_indexes,
        existing,
        held_release,
        mark_published,
        move_alias,
        prune_indexes,
        refuse_others,
        swap_alias,
    )
    from autotag_core.search.bulk import BulkOutcome, Refusal, bulk_change, bulk_index
    from autotag_core.search.client import elasticsearch_client
    from autotag_core.search.credentials import ElasticsearchCredentials, read_credentials
    from autotag_core.search.indexes import (
        check_count,
        copy_index,
        count_refreshed,
        create_index,
        finish_index,
        index_name,
    )
    from autotag_core.search.marks import Mark, Owner, change_mark, index_form, read_mark
    from autotag_core.search.preview import check_room, check_template
    from autotag_core.search.queries import SearchHit, search_gifs, tag_weights
    from autotag_core.search.retries import ask

__all__ = [
    "BulkOutcome",
    "ElasticsearchCredentials",
    "Mark",
    "Owner",
    "Refusal",
    "SearchHit",
    "ask",
    "at_start",
    "bulk_change",
    "bulk_index",
    "change_mark",
    "check_alias",
    "check_count",
    "check_room",
    "check_template",
    "copy_index",
    "count_refreshed",
    "create_index",
    "current_indexes",
    "elasticsearch_client",
    "existing",
    "finish_index",
    "held_release",
    "index_form",
    "index_name",
    "mark_published",
    "move_alias",
    "prune_indexes",
    "read_credentials",
    "read_mark",
    "refuse_others",
    "search_gifs",
    "swap_alias",
    "tag_weights",
]

__getattr__ = late_names(
    __name__,
    {
        "aliases": (
            "at_start",
            "check_alias",
            "current_indexes",
            "existing",
            "held_release",
            "mark_published",
            "move_alias",
            "prune_indexes",
            "refuse_others",
            "swap_alias",
        ),
        "bulk": ("BulkOutcome", "Refusal", "bulk_change", "bulk_index"),
        "client": ("elasticsearch_client",),
        "credentials": ("ElasticsearchCredentials", "read_credentials"),
        "indexes": ("check_count", "copy_index", "count_refreshed", "create_index", "finish_index", "index_name"),
        "marks": ("Mark", "Owner", "change_mark", "index_form", "read_mark"),
        "preview": ("check_room", "check_template"),
        "queries": ("SearchHit", "search_gifs", "tag_weights"),
        "retries": ("ask",),
    },
)
