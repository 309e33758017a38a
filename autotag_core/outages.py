"""Watches a server that the process needs, so that an outage ends it in time, whatever waits for an answer meanwhile.

Each library has its own tries, and they multiply: those of boto3, delta-rs, Arrow and S3A with those of Spark's tasks.
So the whole has one deadline. A thread asks the server every few seconds, once each time. Where it has been refused for
OUTAGE_S, whoever set `tell` ends the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autotag_core.errors import OutageError

OUTAGE_S = 180.0
"""Seconds that a server may refuse everything. Shorter outages are waited for, as far as each library's tries go."""
EVERY_S = 20.0
"""Between two requests while the server answers, seconds."""
REFUSED_EVERY_S = 5.0
"""The same while it does not."""


def _ignore(_: OutageError) -> None: ...


tell: Callable[[OutageError], object] = _ignore
"""What is called, once and in a thread of its own, where an outage lasts. jobs/process/ending.py sets it."""


@contextmanager
def watched(ask: Callable[[], object], every_s: float | None = None) -> Iterator[None]:
    """For the block, call the function every `every_s` (default: EVERY_S). It raises OutageError where it is refused.

    What else it raises counts as an answer. It should take ten seconds at most.
    """
    stop = threading.Event()
    threading.Thread(target=_watch, args=(ask, stop, every_s or EVERY_S), name="watch", daemon=True).start()
    try:
        yield
    finally:
        stop.set()


def _watch(ask: Callable[[], object], stop: threading.Event, every_s: float) -> None:
    refused_since: float | None = None
    while not stop.wait(every_s if refused_since is None else min(REFUSED_EVERY_S, every_s)):
        asked = time.monotonic()
        try:
            ask()
        except OutageError as error:
            refused_since = refused_since or asked
            if time.monotonic() - refused_since >= OUTAGE_S and not stop.is_set():
                tell(error)
                return
            continue
        except Exception:  # an answer, if one that refuses: the job's own requests say more of it
            pass
        refused_since = None
