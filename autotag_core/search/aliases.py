"""Which index readers see: an alias that moves in one step, and back if needed; and which indexes are deleted then."""

from __future__ import annotations

import functools
import logging
from typing import Any

from elasticsearch import ApiError, Elasticsearch, NotFoundError

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError, NotPublishedError, cause
from autotag_core.search.client import explain
from autotag_core.search.indexes import check_name, is_finished
from autotag_core.search.marks import Mark, change_mark, from_mappings, read_mark
from autotag_core.search.retries import with_retries

_log = logging.getLogger(__name__)
START_ATTEMPTS = 5
"""Tries of the first request: enough for a server that elects a master, and few for a wrong URL."""


def check_alias(client: Elasticsearch, alias: str, config: ElasticsearchConfig) -> None:
    """The first request of a run, before any work. InputError for a wrong URL, refused credentials, or a taken name."""
    check_name(alias)
    start = config.model_copy(update={"attempts": min(config.attempts, START_ATTEMPTS)})
    try:
        found = with_retries(client, start, lambda: client.indices.resolve_index(name=alias), unreachable=InputError)
    except NotFoundError:
        return
    except ApiError as error:
        raise InputError(explain(client, error)) from None
    for kind, items in (("an index", found["indices"]), ("a data stream", found["data_streams"])):
        if items:
            raise InputError(
                f"Elasticsearch: {alias!r} is {kind}, not an alias, so it can't be moved to a new index: "
                f"choose another --index, or delete it or reindex it under another name"
            )


def current_indexes(client: Elasticsearch, alias: str, config: ElasticsearchConfig) -> list[str]:
    """The indexes behind the alias, sorted: one, or none before the first run."""
    try:
        return sorted(with_retries(client, config, lambda: client.indices.get_alias(name=alias)))
    except NotFoundError:
        return []


def swap_alias(client: Elasticsearch, alias: str, index: str, config: ElasticsearchConfig, holds: str) -> list[str]:
    """move_alias, then mark_published; returns where the alias was before."""
    before = move_alias(client, alias, index, config)
    mark_published(client, index, config, holds)
    return before


def mark_published(client: Elasticsearch, index: str, config: ElasticsearchConfig, holds: str) -> None:
    """Mark whose documents the index holds and that readers see them. Never fails, since what it follows is done."""
    try:
        change_mark(client, index, config, published=True, holds=holds, towards=None)
    except Exception as error:
        _log.warning("index %s not marked as published, it will not be kept for a rollback: %s", index, cause(error))


def held_release(
    client: Elasticsearch, alias: str, index: str, config: ElasticsearchConfig, form: str | None = None
) -> str | None:
    """The release whose documents an index of this alias (and of this form, where one is given) holds.

    None where nobody knows: it is gone or somebody else's, was never filled to the end, or a change of it has begun.
    """
    mark = read_mark(client, index, config)
    if mark is None or mark.alias != alias or mark.towards or form not in (None, mark.form):
        return None
    return mark.holds if is_finished(client, index, config) else None


def restore_alias(client: Elasticsearch, alias: str, before: list[str], config: ElasticsearchConfig) -> None:
    """Put the alias back on these indexes and no other. Does nothing where it is there."""
    if current_indexes(client, alias, config) == before:
        return
    actions: list[dict[str, Any]] = [{"remove": {"index": "*", "alias": alias, "must_exist": False}}]
    actions += [{"add": {"index": index, "alias": alias}} for index in before]
    with_retries(client, config, lambda: client.indices.update_aliases(actions=actions))


def move_alias(client: Elasticsearch, alias: str, index: str, config: ElasticsearchConfig) -> list[str]:
    """Move the alias to the index in one atomic step; gives where it was before."""
    before = current_indexes(client, alias, config)
    actions: list[dict[str, Any]] = [
        {"remove": {"index": "*", "alias": alias, "must_exist": False}},
        {"add": {"index": index, "alias": alias}},
    ]
    try:
        with_retries(client, config, lambda: client.indices.update_aliases(actions=actions))
    except ApiError as error:
        raise NotPublishedError(explain(client, error)) from None
    now = current_indexes(client, alias, config)
    if now != [index]:
        raise NotPublishedError(f"alias {alias!r} is on {', '.join(now) or 'nothing'}, it should be on {index}")
    return before


def prune_indexes(client: Elasticsearch, alias: str, config: ElasticsearchConfig) -> list[str]:
    """Delete indexes that this job made and nobody needs any more; gives their names, oldest first.

    Call it after the swap. Kept: the alias's index, the newest config.keep_indexes others that were published, and any
    unpublished one younger than the alias's (a run may be filling it). Older unpublished ones are of failed runs.
    """
    current = current_indexes(client, alias, config)
    own = _own_indexes(client, alias, config)
    positions = [position for position, (name, _) in enumerate(own) if name in current]
    if not positions:
        return []
    published = [name for name, mark in own if mark.published and name not in current]
    leftovers = [name for name, mark in own[: positions[-1]] if not mark.published and name not in current]
    doomed = {*published[: max(0, len(published) - config.keep_indexes)], *leftovers}
    names = [name for name, _ in own if name in doomed]
    for name in names:
        delete = functools.partial(client.indices.delete, index=name, ignore_unavailable=True)
        with_retries(client, config, delete)
    return names


def _own_indexes(client: Elasticsearch, alias: str, config: ElasticsearchConfig) -> list[tuple[str, Mark]]:
    """(name, mark) of every index that this job made for the alias, oldest first."""
    found = with_retries(
        client, config, lambda: client.indices.get(index=f"{alias}-*", expand_wildcards=["open", "closed", "hidden"])
    )
    own = []
    for name, index in found.items():
        mark = from_mappings(index["mappings"])
        if mark is not None and mark.alias == alias:
            own.append((int(index["settings"]["index"]["creation_date"]), name, mark))
    return [(name, mark) for _, name, mark in sorted(own, key=lambda item: item[:2])]
