"""Whether somebody pressed Ctrl-C, or an outage has ended the run as Ctrl-C does.

Either cuts off calls to the JVM, and their errors would otherwise look like the cause.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType

from autotag_core.errors import OutageError

_interrupted = threading.Event()
_outages: list[OutageError] = []


def watch_interrupts(first: Callable[[], object] = lambda: None) -> None:
    """Remember an interrupt, then pass it to Spark's own handler, which cancels its jobs. Call it after Spark started.

    `first` is called before anything is cancelled. It runs in a thread of its own, since this one may be in the middle
    of a call to the JVM. It gets two seconds, and what it raises is ignored. Outside of the main thread nothing is
    watched.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    forget_interrupts()
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


def note_outage(error: OutageError) -> None:
    """Say that the interrupt that follows is not somebody's, but for this outage."""
    _outages.append(error)


def forget_interrupts() -> None:
    """Forget what was before: a process may do several runs."""
    _interrupted.clear()
    _outages.clear()


def interruption() -> BaseException | None:
    """Why the run was interrupted: the OutageError, or a KeyboardInterrupt. None where it was not."""
    if _outages:
        return _outages[0]
    return KeyboardInterrupt("interrupted") if was_interrupted() else None


def was_interrupted() -> bool:
    """Whether an interrupt came since `watch_interrupts`."""
    return _interrupted.is_set()
