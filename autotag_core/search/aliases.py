"""Which index readers see: an alias that moves in one step, and back if needed; and which indexes are deleted then."""

from __future__ import annotations

import functools
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from elasticsearch import ApiError, Elasticsearch, NotFoundError

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError, NotPublishedError, cause
from autotag_core.search.client import explain
from autotag_core.search.indexes import check_name, index_name, is_finished
from autotag_core.search.marks import Mark, Owner, change_mark, from_mappings, read_mark
from autotag_core.search.retries import with_retries

_log = logging.getLogger(__name__)
START_ATTEMPTS = 5
"""Tries of the first request: enough for a server that elects a master, and few for a wrong URL."""


def check_alias(client: Elasticsearch, owner: Owner, config: ElasticsearchConfig) -> None:
    """The first request of a run, before any work. InputError for a wrong URL, refused credentials, or a taken name.

    NotPublishedError where the alias shows the releases of another warehouse.
    """
    alias = check_name(owner.alias)
    start = at_start(config)
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
    refuse_others(client, owner, [index for item in found["aliases"] for index in item["indices"]], start)


def at_start(config: ElasticsearchConfig) -> ElasticsearchConfig:
    """The settings for requests that need no patience, since nothing is lost yet."""
    return config.model_copy(update={"attempts": min(config.attempts, START_ATTEMPTS)})


def refuse_others(client: Elasticsearch, owner: Owner, indexes: Sequence[str], config: ElasticsearchConfig) -> None:
    """NotPublishedError where one of the alias's indexes was made for another warehouse."""
    for index in indexes:
        mark = read_mark(client, index, config)
        if mark is not None and mark.warehouse not in (None, owner.warehouse):
            raise NotPublishedError(
                f"Elasticsearch: the alias {owner.alias!r} shows index {index} of the warehouse {mark.warehouse}, and "
                f"one alias can't show two: choose another --index, or if that warehouse has become "
                f"{owner.warehouse} or is no more, take the alias off that index"
            )


def current_indexes(client: Elasticsearch, alias: str, config: ElasticsearchConfig) -> list[str]:
    """The indexes behind the alias, sorted: one, or none before the first run."""
    try:
        return sorted(with_retries(client, config, lambda: client.indices.get_alias(name=alias)))
    except NotFoundError:
        return []


def swap_alias(client: Elasticsearch, alias: str, index: str, config: ElasticsearchConfig, holds: str) -> list[str]:
    """Move the alias here from wherever it is, then mark_published; returns where it was before."""
    before = current_indexes(client, alias, config)
    move_alias(client, alias, config, before, [index])
    mark_published(client, index, config, holds)
    return before


def mark_published(client: Elasticsearch, index: str, config: ElasticsearchConfig, holds: str) -> None:
    """Mark whose documents the index holds and that readers see them. Never fails, since what it follows is done."""
    try:
        change_mark(client, index, config, published=True, holds=holds)
    except Exception as error:
        _log.warning("index %s not marked as published, it will not be kept for a rollback: %s", index, cause(error))


def held_release(
    client: Elasticsearch, owner: Owner, index: str, config: ElasticsearchConfig, form: str | None = None
) -> str | None:
    """The release whose documents an index of this owner (and of this form, where one is given) holds.

    None where nobody knows: it is gone or somebody else's, or was never filled to the end and published.
    """
    mark = read_mark(client, index, config)
    if mark is None or not mark.is_of(owner) or form not in (None, mark.form):
        return None
    return mark.holds if is_finished(client, index, config) else None


def move_alias(
    client: Elasticsearch, alias: str, config: ElasticsearchConfig, before: Sequence[str], after: Sequence[str]
) -> None:
    """Move the alias from these indexes to those in one atomic step. Does nothing where it is there.

    NotPublishedError, and no move, where it is elsewhere: somebody has moved it meanwhile.
    """
    if current_indexes(client, alias, config) == sorted(after):
        return
    actions: list[dict[str, Any]] = [
        {"remove": {"index": index, "alias": alias, "must_exist": True}} for index in before if index not in after
    ]
    actions += [{"add": {"index": index, "alias": alias}} for index in after]
    problem = None
    try:
        with_retries(client, config, lambda: client.indices.update_aliases(actions=actions))
    except ApiError as error:  # also the repetition of a request that was done, but whose answer was lost
        problem = explain(client, error)
    now = current_indexes(client, alias, config)
    if now != sorted(after):
        said = f"alias {alias!r} is on {_names(now)}, it should be on {_names(after)}"
        raise NotPublishedError(f"{said}: {problem or 'somebody has moved it meanwhile'}")


def _names(indexes: Sequence[str]) -> str:
    return ", ".join(indexes) or "nothing"


def existing(client: Elasticsearch, indexes: Sequence[str], config: ElasticsearchConfig) -> list[str]:
    """Those of the indexes that are still there."""
    return [
        name for name in indexes if with_retries(client, config, functools.partial(client.indices.exists, index=name))
    ]


def prune_indexes(client: Elasticsearch, owner: Owner, config: ElasticsearchConfig) -> list[str]:
    """Delete indexes that this owner made and nobody needs any more; gives their names, oldest first.

    Call it after the move. Kept: the alias's index, the newest config.keep_indexes others that were published, and any
    unpublished one younger than the alias's. Older unpublished ones are of failed runs. Nothing is deleted where the
    alias's own index is not known to hold a whole release, since another one may be the only one that does.
    """
    current = current_indexes(client, owner.alias, config)
    own = _own_indexes(client, owner, config)
    positions = [position for position, (name, mark) in enumerate(own) if name in current and mark.holds]
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


def _own_indexes(client: Elasticsearch, owner: Owner, config: ElasticsearchConfig) -> list[tuple[str, Mark]]:
    """(name, mark) of every index that this job made for the owner, oldest first.

    A copy has the mark of its source until it gets its own; if it never did, its run was killed before.
    """
    found = with_retries(
        client,
        config,
        lambda: client.indices.get(index=f"{owner.alias}-*", expand_wildcards=["open", "closed", "hidden"]),
    )
    own = []
    for name, index in found.items():
        mark = from_mappings(index["mappings"])
        if mark is not None and mark.is_of(owner):
            if name != index_name(owner.alias, mark.run_id):
                mark = replace(mark, published=False, holds=None)
            own.append((int(index["settings"]["index"]["creation_date"]), name, mark))
    return [(name, mark) for _, name, mark in sorted(own, key=lambda item: item[:2])]
