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
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

_POLL_S = 0.5
_LINE_EVERY_S = 10.0


class Progress:
    """Shows how far Spark's tasks are, in items of the stage: a stage's items are done as its tasks are."""

    def __init__(self, context: SparkContext, is_terminal: bool | None = None) -> None:
        self._tracker = context.statusTracker()
        self._is_terminal = sys.stderr.isatty() if is_terminal is None else is_terminal

    @contextmanager
    def stage(self, log: Any, name: str, num_items: int | None, unit: str) -> Iterator[None]:
        """Report while the block runs, on the terminal or to the log; never fails the stage."""
        done, failed = threading.Event(), threading.Event()
        watch = self._draw if self._is_terminal else functools.partial(self._print, log)
        thread = threading.Thread(target=watch, args=(name, num_items or 0, unit, done, failed), daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            failed.set()
            raise
        finally:
            done.set()
            thread.join()

    def _share_done(self) -> float:
        """Share of the tasks of the active Spark stage with the most tasks that are finished, 0..1."""
        infos = [self._tracker.getStageInfo(stage) for stage in self._tracker.getActiveStageIds()]
        tasks = [(info.numTasks, info.numCompletedTasks) for info in infos if info is not None]
        total, completed = max(tasks, default=(0, 0))
        return completed / total if total else 0.0

    def _print(self, log: Any, name: str, num_items: int, unit: str, done: threading.Event, _: threading.Event) -> None:
        start = last = time.monotonic()
        while not done.wait(_POLL_S):
            now = time.monotonic()
            if now - last < _LINE_EVERY_S:
                continue
            last = now
            share = self._safely_share_done()
            finished, elapsed = round(num_items * share), now - start
            fields: dict[str, Any] = {"elapsed_s": round(elapsed)}
            if num_items:
                fields |= {"done": finished, "total": num_items, "unit": unit, "per_s": round(finished / elapsed, 1)}
            if share > 0:
                fields["left_s"] = round(elapsed * (1 - share) / share)
            log.info("progress", stage=name, **fields)

    def _draw(self, name: str, num_items: int, unit: str, done: threading.Event, failed: threading.Event) -> None:
        columns = (
            TextColumn("{task.description:<16}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]} {task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        start = time.monotonic()
        with Bar(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(name, total=num_items or None, unit=unit, rate="")
            while not done.wait(_POLL_S):
                finished = round(num_items * self._safely_share_done())
                bar.update(task, completed=finished, rate=f"{finished / (time.monotonic() - start):.1f}/s")
            if not failed.is_set():
                bar.update(task, total=num_items or 1, completed=num_items or 1)

    def _safely_share_done(self) -> float:
        try:
            return self._share_done()
        except Exception:  # the tracker's JVM may be going away; progress must not turn that into a second error
            return 0.0
