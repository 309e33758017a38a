"""Progress of `autotag sample`: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LINE_EVERY_S = 10.0


@contextmanager
def drawing_progress(is_terminal: bool | None = None) -> Iterator[Callable[[int, int], None]]:
    """A function (GIFs drawn, GIFs in all) that shows both on standard error."""
    if not (sys.stderr.isatty() if is_terminal is None else is_terminal):
        yield _line_printer()
        return
    columns = (
        TextColumn("drawing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("GIFs"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("drawing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _line_printer() -> Callable[[int, int], None]:
    """A function that prints a line at most every LINE_EVERY_S seconds. A small sample is drawn before the first."""
    start = last = time.monotonic()

    def show(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < LINE_EVERY_S:
            return
        last, elapsed = now, now - start
        left = elapsed * (total - done) / done
        print(
            f"drawing: {done} of {total} GIFs, {done / elapsed:.0f}/s, {left:.0f} s left", file=sys.stderr, flush=True
        )

    return show
