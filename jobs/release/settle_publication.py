"""Who writes a warehouse first lets search follow its tables, where a run was killed while it published both.

The row of `runs` is the publication. The alias moves before it, since it can be moved back and a row can't. So if the
process is killed in between, search is ahead of the tables until the next command that writes the warehouse.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from autotag_core import search, warehouse
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import AutotagError, NotPublishedError
from autotag_core.warehouse import lease
from autotag_core.warehouse.intent import Intent, drop_intent, intent_uri, read_intent
from autotag_core.warehouse.lease import Lease

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

_log = logging.getLogger(__name__)


@contextmanager
def writing(uri: str, run_id: str | None = None) -> Iterator[Lease]:
    """Hold the warehouse for the block, once what a killed run has left half published is settled.

    NotPublishedError while another run holds it, or where the search that is to be settled does not answer.
    """
    with lease.held(uri, run_id) as held:
        settle_publication(uri)
        yield held


def settle_publication(uri: str) -> None:
    """Settle what a killed run has left, with the lease held. Without such a run this reads whether there is a file.

    NotPublishedError where the Elasticsearch that the run published to does not answer.
    """
    intent = read_intent(uri)
    if intent is None:
        return
    config = search.at_start(ElasticsearchConfig())
    try:
        with search.elasticsearch_client(intent.url, config, search.read_credentials()) as client:
            settle(client, config, uri, intent)
    except AutotagError as error:
        raise NotPublishedError(
            f"{uri}: run {intent.run_id} ended while it published, and its search alias {intent.alias!r} can't be put "
            f"right: {error}; if there is no such Elasticsearch any more, delete {intent_uri(uri)}"
        ) from None


def settle(client: Elasticsearch, config: ElasticsearchConfig, uri: str, intent: Intent) -> None:
    """Move the alias to the intent's index if its row of `runs` is there, else back; then drop the intent."""
    is_published = any(run.is_release and run.run_id == intent.run_id for run in warehouse.recorded_runs(uri))
    point(client, config, intent, [intent.index] if is_published else intent.before)
    if is_published:
        search.mark_published(client, intent.index, config, intent.holds)
    drop_intent(uri, intent)


def point(client: Elasticsearch, config: ElasticsearchConfig, intent: Intent, wanted: Sequence[str]) -> None:
    """Move the alias between the two places that the intent names, to the wanted one.

    Where somebody has moved it elsewhere, or has deleted an index, it stays as it is, with a warning. The next night
    then finds that search does not show the tables' release, and fills a new index.
    """
    now = search.current_indexes(client, intent.alias, config)
    if now == sorted(wanted):
        return
    said = (intent.alias, ", ".join(wanted) or "no index", intent.run_id)
    is_known = now in ([intent.index], sorted(intent.before))
    if is_known and search.existing(client, wanted, config) == list(wanted):
        search.move_alias(client, intent.alias, config, now, wanted)
        _log.warning("search alias %s moved to %s: run %s ended while it published", *said)
    else:
        _log.warning("search alias %s is not on %s, where it belongs since run %s: left as it is", *said)
