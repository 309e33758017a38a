"""Progress of the running stage: done of total, rate and time left; a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark import SparkContext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

_POLL_S = 0.5
_LINE_EVERY_S = 10.0


class _Stage:
    """How far a stage is. It never goes back, whatever the current Spark job says of its own tasks."""

    def __init__(self, unit: str) -> None:
        self.num_items, self.unit = 0, unit
        self.share = 0.0
        self._start = time.monotonic()
        self._falls_behind = False

    def update(self, share: float) -> None:
        """Take in the share of finished tasks, 0..1, of the largest Spark stage that runs; 0 where none runs."""
        self._falls_behind = share < self.share
        self.share = max(self.share, share)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self._start

    @property
    def done(self) -> int:
        return round(self.num_items * self.share)

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.done / self.elapsed_s if self.elapsed_s else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds left at the same speed. None where that is unknown, as when a second Spark job follows the first."""
        if self.share <= 0 or self._falls_behind:
            return None
        return self.elapsed_s * (1 - self.share) / self.share


class Progress:
    """Shows how far a stage is, in its items. Their share that is done is taken to be that of Spark's tasks."""

    def __init__(self, context: SparkContext, is_terminal: bool | None = None) -> None:
        self._tracker = context.statusTracker()
        self._is_terminal = sys.stderr.isatty() if is_terminal is None else is_terminal
        self._running: _Stage | None = None

    @contextmanager
    def stage(self, log: Any, name: str, unit: str) -> Iterator[None]:
        """Report progress while the block runs, on the terminal or to the log. It never makes the block fail.

        `expect` says how many items the stage has.
        """
        done, failed = threading.Event(), threading.Event()
        self._running = running = _Stage(unit)
        watch = self._draw if self._is_terminal else functools.partial(self._print, log)
        thread = threading.Thread(target=watch, args=(name, running, done, failed), daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            failed.set()
            raise
        finally:
            done.set()
            thread.join()
            self._running = None

    def expect(self, num_items: int) -> None:
        """Say how many items the running stage has."""
        if self._running is not None:
            self._running.num_items = num_items

    def _share_done(self) -> float:
        """The share of finished tasks, 0..1, of the active Spark stage with the most tasks. 0: none is active."""
        infos = [self._tracker.getStageInfo(stage) for stage in self._tracker.getActiveStageIds()]
        tasks = [(info.numTasks, info.numCompletedTasks) for info in infos if info is not None]
        total, completed = max(tasks, default=(0, 0))
        return completed / total if total else 0.0

    def _print(self, log: Any, name: str, running: _Stage, done: threading.Event, _: threading.Event) -> None:
        last = time.monotonic()
        while not done.wait(_POLL_S):
            running.update(self._safely_share_done())
            if time.monotonic() - last < _LINE_EVERY_S:
                continue
            last = time.monotonic()
            fields: dict[str, Any] = {"elapsed_s": round(running.elapsed_s)}
            if running.num_items:
                fields |= {"done": running.done, "total": running.num_items, "unit": running.unit}
                fields["per_s"] = round(running.rate, 1)
            if running.left_s is not None:
                fields["left_s"] = round(running.left_s)
            log.info("progress", stage=name, **fields)

    def _draw(self, name: str, running: _Stage, done: threading.Event, failed: threading.Event) -> None:
        columns = (
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]} {task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
        )
        with Bar(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(name, total=running.num_items or None, unit=running.unit, rate="", left="")
            while not done.wait(_POLL_S):
                running.update(self._safely_share_done())
                left = "" if running.left_s is None else f"{running.left_s:.0f} s left"
                total = running.num_items or None
                bar.update(task, total=total, completed=running.done, rate=f"{running.rate:.1f}/s", left=left)
            if not failed.is_set():
                total = running.num_items or 1
                bar.update(task, total=total, completed=total, left="")

    def _safely_share_done(self) -> float:
        try:
            return self._share_done()
        except Exception:  # the tracker's JVM may be going away; progress must not turn that into a second error
            return 0.0
