"""Sends documents to an index. Each ends as indexed or as refused, never both, whatever the server answers meanwhile.

The client's own helpers are not used. parallel_bulk never repeats an item. streaming_bulk gives up on a cut connection,
waits without jitter, and fails a whole request for one over-long id.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError, Elasticsearch

from autotag_core import outages
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import NotPublishedError, OutageError
from autotag_core.search.client import explain, is_transient, is_transient_status, reason_text
from autotag_core.search.retries import wait

NOT_THE_DOCUMENT = (401, 403, 404)
"""Answers to one item that every other item would get too: no permission, a blocked index, no index."""


@dataclass(frozen=True)
class Refusal:
    """A document that Elasticsearch refused and would refuse again."""

    gif_id: str
    message: str


@dataclass(frozen=True)
class BulkOutcome:
    """What became of one batch of documents. num_indexed (or deleted) + len(refused) is its size."""

    num_indexed: int
    refused: tuple[Refusal, ...]


@dataclass(frozen=True)
class _Operation:
    gif_id: str
    lines: bytes


def bulk_index(
    client: Elasticsearch, index: str, documents: Iterable[dict[str, Any]], config: ElasticsearchConfig
) -> Iterator[BulkOutcome]:
    """Index the documents under _id = gif_id, in batches of at most config.bulk_documents and config.bulk_bytes.

    These are plain `index` operations without a version. One run fills an index from one version of one table. So a
    repeated request, task or speculative copy writes the same bytes under the same id, in any order.

    A 429, 5xx or cut connection, of a request or of an item, is tried up to config.attempts times with `wait` in
    between; if it lasts, or takes longer than OUTAGE_S, OutageError. A request that is refused
    as a whole (400, 413) is halved until the document at fault is alone.
    """
    operations = (_operation(str(document["gif_id"]), document) for document in documents)
    for batch in _batches(operations, config):
        yield _index_batch(client, index, batch, config)


def bulk_change(
    client: Elasticsearch,
    index: str,
    changes: Iterable[tuple[str, dict[str, Any] | None]],
    config: ElasticsearchConfig,
) -> Iterator[BulkOutcome]:
    """Bring these (gif_id, document) up to date in a run's own copy, as `bulk_index` fills one; None: delete it.

    No gif_id is there twice. So a repeated request, task or speculative copy changes nothing, in any order.
    """
    operations = (_operation(gif_id, document) for gif_id, document in changes)
    for batch in _batches(operations, config):
        yield _index_batch(client, index, batch, config)


def _batches(operations: Iterable[_Operation], config: ElasticsearchConfig) -> Iterator[list[_Operation]]:
    batch: list[_Operation] = []
    num_bytes = 0
    for operation in operations:
        full = len(batch) >= config.bulk_documents or num_bytes + len(operation.lines) > config.bulk_bytes
        if batch and full:
            yield batch
            batch, num_bytes = [], 0
        batch.append(operation)
        num_bytes += len(operation.lines)
    if batch:
        yield batch


def _operation(gif_id: str, document: dict[str, Any] | None) -> _Operation:
    action = {"delete" if document is None else "index": {"_id": gif_id}}
    parts = [action] if document is None else [action, document]
    lines = (json.dumps(part, ensure_ascii=False, separators=(",", ":")) for part in parts)
    return _Operation(gif_id, "\n".join(lines).encode())


def _index_batch(
    client: Elasticsearch, index: str, batch: list[_Operation], config: ElasticsearchConfig
) -> BulkOutcome:
    pending = batch
    refused: list[Refusal] = []
    attempt, end = 1, time.monotonic() + outages.OUTAGE_S
    while True:
        try:
            items = _send(client, index, pending)
        except (ApiError, TransportError) as error:
            if isinstance(error, ApiError) and error.status_code in (400, 413):
                rest = _halve(client, index, pending, error, config)
                return BulkOutcome(len(batch) - len(refused) - len(rest.refused), (*refused, *rest.refused))
            if not is_transient(error):
                raise NotPublishedError(explain(client, error)) from None
            problem = explain(client, error)
        else:
            pending, newly_refused, problem = _sort_answers(index, pending, items)
            refused += newly_refused
            if not pending:
                return BulkOutcome(len(batch) - len(refused), tuple(refused))
        if attempt >= config.attempts or time.monotonic() > end:
            raise OutageError(f"{problem}; {len(pending)} documents of a batch not indexed after {attempt} tries")
        wait(attempt, config)
        attempt += 1


def _send(client: Elasticsearch, index: str, operations: list[_Operation]) -> list[dict[str, Any]]:
    """The answer for each operation, in their order."""
    lines: list[Any] = [operation.lines for operation in operations]
    answer = client.bulk(index=index, operations=lines, filter_path=["items.*.status", "items.*.error"])
    items = [next(iter(item.values())) for item in answer.body.get("items", [])]
    if len(items) != len(operations):
        raise TransportError(f"{len(items)} answers to {len(operations)} bulk operations")
    return items


def _sort_answers(
    index: str, operations: list[_Operation], items: list[dict[str, Any]]
) -> tuple[list[_Operation], list[Refusal], str]:
    """Operations to repeat, documents refused for good, and why there is something to repeat."""
    again: list[_Operation] = []
    refused: list[Refusal] = []
    problem = ""
    for operation, item in zip(operations, items, strict=True):
        status = int(item["status"])
        if 200 <= status < 300 or (status == 404 and "error" not in item):  # 404: to be deleted, and not there
            continue
        reason = f"{reason_text(item)} ({status})"
        if status in NOT_THE_DOCUMENT:
            raise NotPublishedError(f"index {index} takes no documents: {reason}")
        if is_transient_status(status):
            again.append(operation)
            problem = f"index {index}: {reason}"
        else:
            refused.append(Refusal(operation.gif_id, reason))
    return again, refused, problem


def _halve(
    client: Elasticsearch, index: str, operations: list[_Operation], error: ApiError, config: ElasticsearchConfig
) -> BulkOutcome:
    """The outcome of a request that was refused as a whole, found by sending its halves."""
    if len(operations) == 1:
        refusal = Refusal(operations[0].gif_id, f"{reason_text(error.body)} ({error.status_code})")
        return BulkOutcome(0, (refusal,))
    middle = len(operations) // 2
    halves = [_index_batch(client, index, part, config) for part in (operations[:middle], operations[middle:])]
    return BulkOutcome(
        sum(half.num_indexed for half in halves), tuple(refusal for half in halves for refusal in half.refused)
    )
