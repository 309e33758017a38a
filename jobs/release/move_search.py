"""Readers of search move together with those of the tables, or neither does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from autotag_core import search
from autotag_core.errors import NotPublishedError, cause
from autotag_core.warehouse.intent import Intent, drop_intent, intent_uri, write_intent
from jobs.release.settle_publication import point, settle
from jobs.search.index_alias import Index

_log = logging.getLogger(__name__)


@contextmanager
def search_moved(index: Index, run_id: str, name: str, holds: str) -> Iterator[None]:
    """Readers of search see the index `name` in the block, which makes the same release current in the tables.

    The index `holds` that release. The block appends the row of run_id to `runs`. If it fails, readers of search are
    put back. What is about to happen is written first: if this process is killed, whoever writes the warehouse next
    settles it. NotPublishedError where the alias does not move or shows another warehouse.
    """
    uri = index.owner.warehouse
    before = search.current_indexes(index.client, index.alias, index.config)
    search.refuse_others(index.client, index.owner, before, index.config)
    intent = Intent(run_id, index.url, index.alias, name, tuple(before), holds)
    write_intent(uri, intent)
    try:
        _move(index, intent)
        yield
    except BaseException as error:
        _put_back(index, intent, error)
        raise
    search.mark_published(index.client, name, index.config, holds)
    try:
        drop_intent(uri, intent)
    except Exception as error:  # both stores say the same, so the next run finds nothing to settle
        _log.warning("%s: not deleted: %s", intent_uri(uri), cause(error))


def _move(index: Index, intent: Intent) -> None:
    try:
        search.move_alias(index.client, index.alias, index.config, intent.before, [intent.index])
    except Exception as error:
        raise NotPublishedError(
            f"the search alias {index.alias!r} could not be moved to {intent.index}: {cause(error)}; "
            "nothing is published"
        ) from error


def _put_back(index: Index, intent: Intent, error: BaseException) -> None:
    """Move the alias back at once. Where the row was written all the same, move it to the new index again."""
    uri = index.owner.warehouse
    try:
        point(index.client, index.config, intent, intent.before)
    except Exception as second:
        raise NotPublishedError(
            f"{cause(error)}; readers of the tables stay on the last release, but the search alias {index.alias!r} "
            f"could not be moved back to {', '.join(intent.before) or 'nothing'}: {cause(second)}; the next night, "
            f"rollback or edit of labels in {uri} moves it"
        ) from error
    with suppress(Exception):  # the next run does it
        settle(index.client, index.config, uri, intent)
