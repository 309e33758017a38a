"""Nights over an Elasticsearch that refuses, forgets, restarts or is read-only: search is what the tables are.

A night may end with exit code 3 and an error. Then tables and search are still those of the night before.
"""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from benchmarks.chaos.house import House
from benchmarks.chaos.nights import IN_PLACE, NEW_INDEX, Kind, Nights, outcome, timed
from benchmarks.chaos.proxy import Answer, Fault, Forward, Request
from benchmarks.chaos.result import Differences, Result
from benchmarks.chaos.seen import documents_of, search_differences, watched
from benchmarks.chaos.storage_faults import Act, Some, forget, hold, reset

NUM_GIFS = 300
REJECTED, UNFIT = 0.3, 0.01
_BULK = re.compile(r"^/[^/?]*/?_bulk|^/_bulk")
_WRITES = ("PUT", "POST", "DELETE")
_READS = ("_search", "_count", "_refresh", "_resolve")
ONLY = ("experts=[semantic]", "elasticsearch.max_refused_share=0.05")


class Items:
    """A fault of bulk requests: some of their items are answered with an error and do not reach the server."""

    def __init__(self, is_met: Callable[[str, int], bool], status: int, error: str) -> None:
        self._is_met, self._status, self._error = is_met, status, error
        self._num_seen, self._lock = 0, threading.Lock()

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """The server's answer, with the errors in their places."""
        if not _BULK.match(request.path):
            return forward(request)
        pairs = list(_items(request.body))
        met = [self._meets(json.loads(lines[0])) for lines in pairs]
        kept = [line for lines, is_met in zip(pairs, met, strict=True) if not is_met for line in lines]
        found: list[object] = []
        answer = Answer(200)
        if kept:
            answer = forward(replace(request, body=b"\n".join(kept) + b"\n"))
            if answer.status != 200:
                return answer
            found = json.loads(answer.body)["items"]
        error = {"status": self._status, "error": {"type": self._error, "reason": "tried on purpose"}}
        rest = iter(found)
        items = [{"index": error} if is_met else next(rest) for is_met in met]
        headers = [
            ("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8"),
            ("X-Elastic-Product", "Elasticsearch"),
        ]
        return Answer(200, headers, json.dumps({"errors": any(met), "took": 1, "items": items}).encode())

    def _meets(self, action: dict[str, dict[str, str]]) -> bool:
        with self._lock:
            self._num_seen += 1
            return self._is_met(next(iter(action.values()))["_id"], self._num_seen)


def _items(body: bytes) -> Iterator[list[bytes]]:
    """The lines of each item: one for what is deleted, else two."""
    lines = iter(line for line in body.split(b"\n") if line)
    for line in lines:
        yield [line] if b'"delete"' in line[:10] else [line, next(lines)]


def _forgets(share: float) -> Fault:
    some = Some(forget, share)
    return lambda request, forward: some(request, forward) if _is_write(request) else forward(request)


def _is_write(request: Request) -> bool:
    return request.method in _WRITES and not any(word in request.path for word in _READS)


class _AtFirstBulk:
    """A fault that does something once, when the first documents come."""

    def __init__(self, act: Callable[[], None]) -> None:
        self._act, self._lock, self._is_done = act, threading.Lock(), False

    def __call__(self, request: Request, forward: Forward) -> Answer | None:
        if _BULK.match(request.path):
            with self._lock:
                if not self._is_done:
                    self._is_done = True
                    self._act()
        return forward(request)


@dataclass(frozen=True)
class Case:
    """What is done, and which ends are right."""

    done: str
    fault: Callable[[Nights], Fault]
    ends: tuple[int, ...] = (0,)
    settings: tuple[str, ...] = (NEW_INDEX, IN_PLACE)
    loses: bool = False
    """Whether documents are refused for good, as rows of `failures` say."""


class _GoneFromFirstBulk:
    """A fault that gives every request, from the first documents on, the same non-answer."""

    def __init__(self, answer: Act) -> None:
        self._answer, self._is_gone = answer, False

    def __call__(self, request: Request, forward: Forward) -> Answer | None:
        self._is_gone = self._is_gone or bool(_BULK.match(request.path))
        return self._answer(request, forward) if self._is_gone else forward(request)


def _restarted(nights: Nights) -> Fault:
    def again() -> None:
        nights.house.search.start_again()
        nights.house.search_proxy.upstream = nights.house.search.url

    return _AtFirstBulk(again)


def _blocked(nights: Nights) -> Fault:
    return _AtFirstBulk(lambda: block(nights, True))


def block(nights: Nights, is_blocked: bool) -> None:
    """Make all indexes read-only, as a server does whose disk is full, or let them be written again."""
    body = json.dumps({"index.blocks.read_only_allow_delete": is_blocked or None}).encode()
    request = urllib.request.Request(
        f"{nights.house.search.url}/_all/_settings", body, {"Content-Type": "application/json"}, method="PUT"
    )
    urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30).close()


CASES = (
    Case(
        f"{REJECTED:.0%} of the items answered 429",
        lambda _: Items(lambda _, n: n % 10 < 3, 429, "es_rejected_execution_exception"),
    ),
    Case(
        f"{UNFIT:.0%} of the documents answered with a mapping error",
        lambda _: Items(lambda gif_id, _: zlib.crc32(gif_id.encode()) % 100 == 0, 400, "document_parsing_exception"),
        settings=(NEW_INDEX,),
        loses=True,
    ),
    Case("every third write is done and its answer lost", lambda _: _forgets(0.33)),
    Case("killed and started again as the first documents come", _restarted, (0, 3)),
    Case("all indexes become read-only as the first documents come", _blocked, (0, 3)),
    Case(
        "every document answered 429",
        lambda _: Items(lambda *_: True, 429, "es_rejected_execution_exception"),
        (3,),
        (NEW_INDEX,),
    ),
    Case("gone for good as the first documents come", lambda _: _GoneFromFirstBulk(reset), (3,), (NEW_INDEX,)),
    Case("no answer any more as the first documents come", lambda _: _GoneFromFirstBulk(hold), (3,), (NEW_INDEX,)),
)
QUICK = (0, 2, 3)


def trials(house: House, is_quick: bool) -> Iterator[Result]:
    """A result a case, for a new index and for one that is changed in place."""
    nights = Nights(house, Kind(str(house.folder / "search"), "search", ONLY, NUM_GIFS, rows_only=True))
    for case in [CASES[number] for number in QUICK] if is_quick else CASES:
        for setting in case.settings:
            yield _trial(nights, case, setting)


def _trial(nights: Nights, case: Case, setting: str) -> Result:
    nights.back()
    start, how = time.monotonic(), "new index" if setting == NEW_INDEX else "index changed in place"
    with watched(lambda: nights.house.search.url, nights.kind.alias) as watch:
        ended = nights.disturbed(nights.words(1, [setting]), case.fault(nights))
        block(nights, False)
        watch.look()
    seen = nights.now()
    found, others = nights.compared(seen, "new" if ended.code == 0 else "old")
    partial, num_refused = watch.partial(nights.known), 0
    if case.loses:  # on purpose: what counts is that tables and search agree on which
        num_refused = documents_of(nights.known["new"].tables).total() - documents_of(seen.tables).total()
        found, others, partial = search_differences(seen), "", 0
    said = outcome(ended, others) + (f", {num_refused} documents refused and in `failures`" if case.loses else "")
    expected = (
        "as undisturbed"
        if case.ends == (0,)
        else "exit 3, as before"
        if case.ends == (3,)
        else "as undisturbed, or exit 3 and as before"
    )
    result = Result(
        "search",
        f"Elasticsearch ({how}): {case.done}",
        expected,
        said,
        found + Differences(partial=partial),
        as_expected=ended.code in case.ends and (not case.loses or num_refused > 0),
    )
    return timed(result, start)
