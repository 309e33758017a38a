"""An earlier release -> the current one, in the tables and, when asked, in search."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from autotag_core import search, warehouse
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError
from autotag_core.tables import SEARCH_DOCUMENTS
from autotag_core.warehouse import RunRecord, lease
from jobs.search.index_alias import Index, alias_restored, holds_release, open_index, release_id, watched


def rollback_release(uri: str, run_id: str, elasticsearch: str | None = None, alias: str = "gifs") -> RunRecord:
    """Make the release of run_id current again, in search and then in the tables. Gives its new row of `runs`.

    Both move, or there is an error and neither does. Without `elasticsearch` only the tables move. If the index of the
    release is gone, or holds another release by now, a new one is filled from its table. That takes a Spark session.
    InputError before anything is changed where its tables are no longer there; NotPublishedError while a run writes the
    warehouse.
    """
    with lease.held(uri, warehouse.new_run_id(datetime.now(UTC))):
        return _rollback(uri, run_id, elasticsearch, alias)


def _rollback(uri: str, run_id: str, elasticsearch: str | None, alias: str) -> RunRecord:
    if elasticsearch is None:
        return warehouse.rollback(uri, run_id)
    release = warehouse.check_release(uri, run_id)
    if release.elasticsearch_index is None:
        raise InputError(f"run {run_id} was published without Elasticsearch: there is no index to go back to")
    index = open_index(elasticsearch, alias, _settings(release))
    name = release.elasticsearch_index
    with watched(index), alias_restored(index, uri):
        if not holds_release(index, name, release):
            name = _fill_index(index, uri, release)
        search.move_alias(index.client, alias, name, index.config)
        record = warehouse.rollback(uri, run_id, name)
    search.mark_published(index.client, name, index.config, holds=release_id(release))
    return record


def _settings(release: RunRecord) -> ElasticsearchConfig:
    """The search settings that the release was published with, as far as this version knows them."""
    values: dict[str, Any] = json.loads(release.config).get("elasticsearch", {})
    return ElasticsearchConfig(**{name: values[name] for name in ElasticsearchConfig.model_fields if name in values})


def _fill_index(index: Index, uri: str, release: RunRecord) -> str:
    from jobs.process.session import spark_session
    from jobs.run.delta_tables import read_table_version
    from jobs.search.index_documents import fill_index

    table, version = SEARCH_DOCUMENTS, release.table_versions[SEARCH_DOCUMENTS.name]
    documents_df = read_table_version(
        spark_session("autotag rollback"), warehouse.table_uri(uri, table.name), version, table
    )
    run_id = warehouse.new_run_id(datetime.now(UTC))
    name, num_found, num_refused = fill_index(index, run_id, documents_df, lambda _: None)
    search.check_count(num_found, documents_df.count(), num_refused, index.config)
    return name
