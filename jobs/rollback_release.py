"""An earlier release -> the current one, in the tables and, when asked, in search."""

from __future__ import annotations

from autotag_core import search, warehouse
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError
from autotag_core.warehouse import RunRecord
from jobs.index_documents import open_index


def rollback_release(uri: str, run_id: str, elasticsearch: str | None = None, alias: str = "gifs") -> RunRecord:
    """Point readers to the tables of `run_id`, then the alias to its index; InputError before anything is changed."""
    release = warehouse.current_release(uri, run_id)
    if elasticsearch is None:
        return warehouse.rollback(uri, run_id)
    if release.elasticsearch_index is None:
        raise InputError(f"run {run_id} was published without Elasticsearch: there is no index to go back to")
    config = ElasticsearchConfig()
    index = open_index(elasticsearch, alias, config)
    search.point_alias(index.client, alias, release.elasticsearch_index, config)
    return warehouse.rollback(uri, run_id)
