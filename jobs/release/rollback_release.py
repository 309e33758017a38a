"""An earlier release -> the current one, in the tables and, when asked, in search."""

from __future__ import annotations

import json
from typing import Any

from autotag_core import search, storage, warehouse
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError
from autotag_core.tables import SEARCH_DOCUMENTS
from autotag_core.warehouse import RunRecord
from autotag_core.warehouse.lease import Lease
from jobs.release.move_search import search_moved
from jobs.release.settle_publication import writing
from jobs.search.index_alias import Index, holds_release, open_index, release_id, watched


def rollback_release(uri: str, run_id: str, elasticsearch: str | None = None, alias: str = "gifs") -> RunRecord:
    """Make the release of run_id current again, in search and then in the tables. Gives its new row of `runs`.

    Both move, or there is an error and neither does. Without `elasticsearch` only the tables move. If the index of the
    release is gone, or holds another release by now, a new one is filled from its table. That takes a Spark session.
    InputError before anything is changed where its tables are no longer there; NotPublishedError while a run writes the
    warehouse, or where the alias shows another one.
    """
    owner = search.Owner(alias, storage.absolute(uri))
    with writing(uri) as held:
        return _rollback(held, run_id, elasticsearch, owner)


def _rollback(held: Lease, run_id: str, elasticsearch: str | None, owner: search.Owner) -> RunRecord:
    uri, as_run = held.warehouse, held.holder.run_id
    if elasticsearch is None:
        return warehouse.rollback(uri, run_id, as_run=as_run)
    release = warehouse.check_release(uri, run_id)
    if release.elasticsearch_index is None:
        raise InputError(f"run {run_id} was published without Elasticsearch: there is no index to go back to")
    index = open_index(elasticsearch, owner, search_settings(release))
    name = release.elasticsearch_index
    with watched(index):
        if not holds_release(index, name, release):
            name = fill_released(index, held, release)
        held.check()
        with search_moved(index, as_run, name, holds=release_id(release)):
            return warehouse.rollback(uri, run_id, name, as_run)


def search_settings(release: RunRecord) -> ElasticsearchConfig:
    """The search settings that the release was published with, as far as this version knows them."""
    values: dict[str, Any] = json.loads(release.config).get("elasticsearch", {})
    return ElasticsearchConfig(**{name: values[name] for name in ElasticsearchConfig.model_fields if name in values})


def fill_released(index: Index, held: Lease, release: RunRecord) -> str:
    """A new index with the documents of the release's table, which nobody sees yet. Takes a Spark session."""
    from jobs.process.session import spark_session
    from jobs.run.delta_tables import read_table_version
    from jobs.search.index_documents import fill_index

    table, version = SEARCH_DOCUMENTS, release.table_versions[SEARCH_DOCUMENTS.name]
    documents_df = read_table_version(
        spark_session("autotag rollback"), warehouse.table_uri(held.warehouse, table.name), version, table
    )
    name, num_found, num_refused = fill_index(index, held.holder.run_id, documents_df, lambda _: None)
    search.check_count(num_found, documents_df.count(), num_refused, index.config)
    return name
