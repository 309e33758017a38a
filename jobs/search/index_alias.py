"""The index that readers of search see, and its alias, which moves together with the tables."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from autotag_core import outages, search
from autotag_core.config import ElasticsearchConfig
from autotag_core.warehouse import RunRecord, new_run_id
from udfs.search.documents import IndexTarget

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch


@dataclass(frozen=True)
class Index:
    """Where search documents go: a server, the alias that readers use, its warehouse, and this run's settings."""

    client: Elasticsearch
    url: str
    owner: search.Owner
    config: ElasticsearchConfig
    credentials: search.ElasticsearchCredentials

    @property
    def alias(self) -> str:
        """The name by which readers find the index."""
        return self.owner.alias

    def target(self, name: str) -> IndexTarget:
        """One index of the server, as executors write to it."""
        return IndexTarget(self.url, name, self.config, self.credentials)


def open_index(url: str, owner: search.Owner, config: ElasticsearchConfig) -> Index:
    """The index, after a check of server, credentials and alias, before any work. InputError in one line.

    NotPublishedError where the alias shows another warehouse.
    """
    credentials = search.read_credentials()
    client = search.elasticsearch_client(url, config, credentials)
    with outages.watched(lambda: search.ask(client)):
        search.check_alias(client, owner, config)
    return Index(client, url, owner, config, credentials)


def check_new_index(index: Index) -> None:
    """InputError where Elasticsearch would not make a new index as it is asked to, or has no room for it."""
    name = search.index_name(index.alias, new_run_id(datetime.now(UTC)))
    search.check_template(index.client, name, index.alias, index.config)
    search.check_room(index.client, index.config)


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
    return search.held_release(index.client, index.owner, name, index.config, form) == release_id(release)


def release_id(release: RunRecord) -> str:
    """The run that made the tables of a release. A rollback, a run of its own, may have made them current again."""
    return release.release_of or release.run_id
