"""Ctrl-C, told apart from the errors that it causes in calls to the JVM that it cuts off."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_interrupted = threading.Event()


def watch_interrupts() -> None:
    """Remember an interrupt before Spark's own handler, which cancels its jobs, takes it. Call after Spark started."""
    if threading.current_thread() is not threading.main_thread():
        return
    _interrupted.clear()
    inner = signal.getsignal(signal.SIGINT)

    def remember(number: int, frame: FrameType | None) -> None:
        _interrupted.set()
        if callable(inner):
            inner(number, frame)
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, remember)


def was_interrupted() -> bool:
    """Whether an interrupt came since `watch_interrupts`."""
    return _interrupted.is_set()
