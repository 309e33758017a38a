"""Nights over an S3 that answers some requests with errors, cut answers, or none: each equals the undisturbed one."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarks.chaos.house import House, night_words, write_catalogs
from benchmarks.chaos.nights import must, outcome
from benchmarks.chaos.proxy import Answer, Forward, Request
from benchmarks.chaos.result import Result
from benchmarks.chaos.seen import differences, differing, read_tables

FOLDER = "s3a://chaos/faults"
SHARE = 0.05
SLOW_S = 3.0
HELD_S = 65.0
"""Longer than any client waits for an answer."""
MOST_HELD = 4
"""Requests of a night that get no answer at all: each costs a client's whole patience."""
QUICK = ("503 Slow Down", "the connection is reset after the request was done")
Act = Callable[[Request, Forward], Answer | None]


def _error(status: int, code: str) -> Act:
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>tried on purpose</Message></Error>'.encode()
    return lambda *_: Answer(status, [("Content-Type", "application/xml")], body)


def forget(request: Request, forward: Forward) -> None:
    """The request is done, and its answer is lost."""
    forward(request)


def _cut(request: Request, forward: Forward) -> Answer:
    answer = forward(request)
    return replace(answer, sent=len(answer.body) // 2) if request.method == "GET" and answer.body else answer


def _slow(request: Request, forward: Forward) -> Answer:
    time.sleep(SLOW_S)
    return forward(request)


def hold(*_: object) -> None:
    """No answer for a long time, then a reset."""
    time.sleep(HELD_S)


def reset(*_: object) -> None:
    """A reset at once."""


KINDS: dict[str, Act] = {
    "500 Internal Error": _error(500, "InternalError"),
    "503 Slow Down": _error(503, "SlowDown"),
    "the connection is reset": reset,
    "the connection is reset after the request was done": forget,
    "half of the body, then a reset": _cut,
    f"{SLOW_S:.0f} s late": _slow,
    f"no answer for {HELD_S:.0f} s": hold,
}


class Some:
    """A fault of a share of the requests, always of the same ones in order; at most so many where `most` is given."""

    def __init__(self, act: Act, share: float = SHARE, most: int | None = None) -> None:
        self._act, self._share, self._most = act, share, most
        self._chance, self._lock = random.Random(7), threading.Lock()
        self.num_done = 0

    def __call__(self, request: Request, forward: Forward) -> Answer | None:
        """The fault for those that it meets, else the server's answer."""
        with self._lock:
            is_met = self._chance.random() < self._share and (self._most is None or self.num_done < self._most)
            self.num_done += is_met
        return self._act(request, forward) if is_met else forward(request)


def trials(house: House, is_quick: bool) -> Iterator[Result]:
    """A result a kind of error."""
    house.start_s3()
    catalog, _ = write_catalogs(f"{FOLDER}/catalog", rows_only=is_quick)
    settings = ("experts=[semantic]",) if is_quick else ()
    must(house.run(*night_words(catalog, f"{FOLDER}/undisturbed", settings)))
    undisturbed = read_tables(f"{FOLDER}/undisturbed")
    for number, (name, act) in enumerate(KINDS.items()):
        if is_quick and name not in QUICK:
            continue
        start, before, place = time.monotonic(), house.s3_proxy.num_requests, f"{FOLDER}/{number}"
        fault = Some(act, most=MOST_HELD if act is hold else None)
        with house.calm():
            house.s3_proxy.fault = fault
            ended = house.run(*night_words(catalog, place, settings))
        seen = read_tables(place)
        num_requests = house.s3_proxy.num_requests - before
        yield Result(
            "storage",
            f"S3, {SHARE:.0%} of requests: {name}",
            "exit 0, as undisturbed",
            f"{fault.num_done} of {num_requests} requests; {outcome(ended, differing(seen, undisturbed))}",
            differences(seen, undisturbed),
            time.monotonic() - start,
            ended.code == 0 and fault.num_done > 0,
        )
