"""Whether somebody pressed Ctrl-C.

It cuts off calls to the JVM, and their errors would otherwise look like the cause.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

_interrupted = threading.Event()


def watch_interrupts(first: Callable[[], object] = lambda: None) -> None:
    """Remember an interrupt, then pass it to Spark's own handler, which cancels its jobs. Call it after Spark started.

    `first` is called before anything is cancelled. It runs in a thread of its own, since this one may be in the middle
    of a call to the JVM. It gets two seconds, and what it raises is ignored. Outside of the main thread nothing is
    watched.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    _interrupted.clear()
    inner = signal.getsignal(signal.SIGINT)

    def remember(number: int, frame: FrameType | None) -> None:
        _interrupted.set()
        helper = threading.Thread(target=_ignoring_errors, args=(first,), daemon=True)
        helper.start()
        helper.join(2)
        if callable(inner):
            inner(number, frame)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, remember)


def _ignoring_errors(call: Callable[[], object]) -> None:
    with suppress(Exception):
        call()


def was_interrupted() -> bool:
    """Whether an interrupt came since `watch_interrupts`."""
    return _interrupted.is_set()
