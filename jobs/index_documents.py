"""search_documents -> a new Elasticsearch index, counted against the table; what it refuses -> failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from autotag_core import search
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import NotPublishedError, cause
from autotag_core.tables import SEARCH_DOCUMENTS
from autotag_core.warehouse import RunRecord
from jobs.run import Run
from udfs import search_documents


@dataclass(frozen=True)
class Index:
    """Where search documents go: a server, the alias that readers use, and this run's settings."""

    client: Elasticsearch
    url: str
    alias: str
    config: ElasticsearchConfig
    credentials: search.ElasticsearchCredentials


def open_index(url: str, alias: str, config: ElasticsearchConfig) -> Index:
    """Check the server, the credentials and the alias before any work; InputError in one line."""
    credentials = search.read_credentials()
    client = search.elasticsearch_client(url, config, credentials)
    search.check_alias(client, alias, config)
    return Index(client, url, alias, config, credentials)


def index_documents(run: Run, index: Index) -> None:
    """Fill a new index from the executors and count it; NotPublishedError where it does not hold what it should."""
    num_documents = run.rows_out["documents"]
    with run.stage("index", num_documents):
        name = search.create_index(index.client, index.alias, run.run_id, index.config)
        target = search_documents.IndexTarget(index.url, name, index.config, index.credentials)
        report_df = search_documents.index_documents(run.read(SEARCH_DOCUMENTS), target).persist()
        try:
            _, num_refused = search_documents.count_indexed(report_df)
            run.add_failures(search_documents.refused_documents(report_df))
        finally:
            report_df.unpersist()
        num_found = search.finish_index(index.client, name, index.config)
        run.gates["documents"] = f"{num_found} found, {num_documents} in the table, {num_refused} refused"
        search.check_count(num_found, num_documents, num_refused, index.config)
        run.rows_out["index"] = num_found
        run.elasticsearch_index = name


def serves_release(index: Index, release: RunRecord) -> bool:
    """Whether readers of the alias see the documents of the release."""
    if release.elasticsearch_index is None:
        return False
    return search.current_indexes(index.client, index.alias, index.config) == [release.elasticsearch_index]


def move_alias(run: Run, index: Index) -> None:
    """Point readers of the alias to the run's index; NotPublishedError where Elasticsearch does not do it."""
    assert run.elasticsearch_index is not None
    try:
        search.move_alias(index.client, index.alias, run.elasticsearch_index, index.config)
    except Exception as error:
        raise NotPublishedError(
            f"the search alias {index.alias!r} could not be moved to {run.elasticsearch_index}: {cause(error)}; "
            "nothing is published"
        ) from error
    run.log.info("alias moved", alias=index.alias, index=run.elasticsearch_index)


@contextmanager
def alias_restored(index: Index, warehouse: str) -> Iterator[None]:
    """Put the alias back where it is now if the block fails: search and tables move together or not at all."""
    before = search.current_indexes(index.client, index.alias, index.config)
    try:
        yield
    except BaseException as error:
        try:
            search.restore_alias(index.client, index.alias, before, index.config)
        except Exception as second:
            raise NotPublishedError(
                f"{cause(error)}; readers of the tables stay on the last release, but the search alias "
                f"{index.alias!r} could not be moved back to {', '.join(before) or 'nothing'}: {cause(second)}; "
                f"`autotag rollback --warehouse {warehouse} --elasticsearch {index.url} --index {index.alias} RUN_ID` "
                "with the run of the last release moves it"
            ) from error
        raise


def settle_index(run: Run, index: Index) -> None:
    """Mark the published index and drop indexes that nobody needs any more; what fails here is only a warning."""
    assert run.elasticsearch_index is not None
    search.mark_published(index.client, index.alias, run.elasticsearch_index, index.config)
    try:
        pruned = search.prune_indexes(index.client, index.alias, index.config)
    except Exception as error:  # the run is published: disk space is not worth another exit code
        run.log.warning("old indexes not deleted", alias=index.alias, reason=cause(error))
    else:
        run.log.info("old indexes deleted", alias=index.alias, indexes=",".join(pruned) or None)
