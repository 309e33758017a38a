"""How many canvas pixels one process decodes at once, however many threads it has."""

from __future__ import annotations

import functools
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """Lets threads decode as long as their canvases together have at most `limit` pixels, in the order they asked.

    A canvas larger than the limit takes the whole limit: it waits until nothing else is decoded, and is decoded alone.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._free = limit
        self._asking: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, num_pixels: int, stop: threading.Event | None = None) -> Iterator[bool]:
        """Wait for `num_pixels` and hold them for the block. Gives False, with nothing held, once `stop` is set.

        A waiting thread sees `stop` when the next block ends: at most one decode later.
        """
        wanted = min(num_pixels, self.limit)
        held = self._take(wanted, stop)
        try:
            yield held
        finally:
            if held:
                self._give_back(wanted)

    def _take(self, wanted: int, stop: threading.Event | None) -> bool:
        me = object()
        with self._changed:
            # first come, first served: otherwise a large canvas would wait for ever behind small ones
            self._asking.append(me)
            try:
                self._changed.wait_for(
                    lambda: (stop is not None and stop.is_set()) or (self._asking[0] is me and self._free >= wanted)
                )
                if stop is not None and stop.is_set():
                    return False
                self._free -= wanted
                return True
            finally:
                self._asking.remove(me)
                self._changed.notify_all()

    def _give_back(self, wanted: int) -> None:
        with self._changed:
            self._free += wanted
            self._changed.notify_all()


@functools.lru_cache(maxsize=8)
def pixel_budget(limit: int) -> PixelBudget:
    """This process's budget of `limit` pixels. Tasks that share the process share it."""
    return PixelBudget(limit)
