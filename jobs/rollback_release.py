"""An earlier release -> the current one, in the tables and, when asked, in search."""

from __future__ import annotations

from autotag_core import search, warehouse
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError
from autotag_core.warehouse import RunRecord
from jobs.index_documents import alias_restored, open_index


def rollback_release(uri: str, run_id: str, elasticsearch: str | None = None, alias: str = "gifs") -> RunRecord:
    """Point the alias to the index of `run_id`, then readers to its tables: both, or none and an error.

    InputError before anything is changed where its tables or its index are no longer there.
    """
    if elasticsearch is None:
        return warehouse.rollback(uri, run_id)
    release = warehouse.check_release(uri, run_id)
    if release.elasticsearch_index is None:
        raise InputError(f"run {run_id} was published without Elasticsearch: there is no index to go back to")
    config = ElasticsearchConfig()
    index = open_index(elasticsearch, alias, config)
    with alias_restored(index, uri):
        search.point_alias(index.client, alias, release.elasticsearch_index, config)
        return warehouse.rollback(uri, run_id)
