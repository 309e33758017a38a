"""The index that readers of search see, and its alias, which moves together with the tables or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from autotag_core import outages, search
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import NotPublishedError, cause
from autotag_core.warehouse import RunRecord
from jobs.run.run import Run
from udfs.search.documents import IndexTarget


@dataclass(frozen=True)
class Index:
    """Where search documents go: a server, the alias that readers use, and this run's settings."""

    client: Elasticsearch
    url: str
    alias: str
    config: ElasticsearchConfig
    credentials: search.ElasticsearchCredentials

    def target(self, name: str) -> IndexTarget:
        """One index of the server, as executors write to it."""
        return IndexTarget(self.url, name, self.config, self.credentials)


def open_index(url: str, alias: str, config: ElasticsearchConfig) -> Index:
    """The index, after a check of server, credentials and alias, before any work. InputError in one line."""
    credentials = search.read_credentials()
    client = search.elasticsearch_client(url, config, credentials)
    with outages.watched(lambda: search.ask(client)):
        search.check_alias(client, alias, config)
    return Index(client, url, alias, config, credentials)


def watched(index: Index | None) -> AbstractContextManager[None]:
    """For the block, an Elasticsearch that does not answer for too long ends the run."""
    return nullcontext() if index is None else outages.watched(lambda: search.ask(index.client))


def serves_release(index: Index, release: RunRecord) -> bool:
    """Whether readers of the alias see the documents of the release, in an index of the form that this run makes."""
    name = release.elasticsearch_index
    if name is None or search.current_indexes(index.client, index.alias, index.config) != [name]:
        return False
    return holds_release(index, name, release, search.index_form(index.config))


def holds_release(index: Index, name: str, release: RunRecord, form: str | None = None) -> bool:
    """Whether an index of the alias holds the documents of the release and no others, in this form if one is given."""
    return search.held_release(index.client, index.alias, name, index.config, form) == release_id(release)


def release_id(release: RunRecord) -> str:
    """The run that made the tables of a release. A rollback, a run of its own, may have made them current again."""
    return release.release_of or release.run_id


def move_alias(run: Run, index: Index) -> None:
    """Point readers of the alias to the run's index; NotPublishedError where Elasticsearch does not do it."""
    assert run.facts.elasticsearch_index is not None
    try:
        search.move_alias(index.client, index.alias, run.facts.elasticsearch_index, index.config)
    except Exception as error:
        raise NotPublishedError(
            f"the search alias {index.alias!r} could not be moved to {run.facts.elasticsearch_index}: {cause(error)}; "
            "nothing is published"
        ) from error
    run.log.info("alias moved", alias=index.alias, index=run.facts.elasticsearch_index)


@contextmanager
def alias_restored(index: Index, warehouse: str) -> Iterator[None]:
    """If the block fails, put the alias back where it is now: search and tables move together or not at all."""
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
                f"{rollback_command(index, warehouse)} moves it"
            ) from error
        raise


def rollback_command(index: Index, warehouse: str) -> str:
    """The command that brings search back to a release, for an error message."""
    return (
        f"`autotag rollback --warehouse {warehouse} --elasticsearch {index.url} --index {index.alias} RUN_ID` "
        "with the run of the last release"
    )


def settle_index(run: Run, index: Index) -> None:
    """Mark the published index and drop indexes that nobody needs any more. What fails here is only a warning."""
    assert run.facts.elasticsearch_index is not None
    search.mark_published(index.client, run.facts.elasticsearch_index, index.config, holds=run.run_id)
    try:
        pruned = search.prune_indexes(index.client, index.alias, index.config)
    except Exception as error:  # the run is published: wasted disk space is no reason for another exit code
        run.log.warning("old indexes not deleted", alias=index.alias, reason=cause(error))
    else:
        run.log.info("old indexes deleted", alias=index.alias, indexes=",".join(pruned) or None)
