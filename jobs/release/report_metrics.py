"""Metrics at the end of a night, however it ends. What fails here is a warning and never another exit code."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import structlog

from autotag_core import warehouse
from autotag_core.errors import AutotagError, NotPublishedError, as_raised, cause
from autotag_core.operations.metrics import NightEnd, night_registry
from autotag_core.operations.metrics_target import check_target, kept_samples, write_metrics
from autotag_core.warehouse import FAILED, NOT_PUBLISHED, RunRecord
from jobs.process.exit_codes import INTERRUPTED, TERMINATED
from jobs.process.interrupts import interruption
from jobs.run.run import Run

READ_S = 10.0
"""How long `runs` may take to be read: a store that hangs must not hold up the end of the night."""


@dataclass
class Night:
    """A night under way; `run` is there once there is one."""

    run: Run | None = None


@contextmanager
def metrics_reported(targets: Sequence[str], uri: str) -> Iterator[Night]:
    """Write the metrics of the block's night to every target. InputError, before it, where one can't be right."""
    for target in targets:
        check_target(target)
    night, started = Night(), time.time()
    try:
        yield night
    except BaseException as error:
        _report(night, targets, uri, _exit_code(error), started)
        raise
    _report(night, targets, uri, 0, started)


def _exit_code(error: BaseException) -> int:
    error = interruption() or error
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    found = as_raised(error)
    return found.exit_code if isinstance(found, AutotagError) else 1


def _report(night: Night, targets: Sequence[str], uri: str, exit_code: int, started: float) -> None:
    if not targets:
        return
    record = _record(night.run, exit_code) if night.run is not None else None
    is_hurried = exit_code in (INTERRUPTED, TERMINATED)
    earlier = None if is_hurried else _runs(uri)
    for target in targets:
        try:
            kept = kept_samples(target, uri)
            end = NightEnd(exit_code, started, time.time(), record, earlier, kept)
            write_metrics(night_registry(uri, end), target, uri)
        except Exception as error:
            structlog.get_logger("autotag").warning("metrics not written", target=target, reason=cause(error))


def _record(run: Run, exit_code: int) -> RunRecord:
    held = exit_code == NotPublishedError.exit_code
    return run.to_record(run.facts.status or (NOT_PUBLISHED if held else FAILED))


def _runs(uri: str) -> tuple[RunRecord, ...] | None:
    """Every row of `runs`. None where it can't be read in READ_S."""
    found: list[RunRecord] = []

    def read() -> None:
        with suppress(Exception):
            found.extend(warehouse.list_runs(uri))

    thread = threading.Thread(target=read, name="metrics", daemon=True)
    thread.start()
    thread.join(READ_S)
    return tuple(found) if found and not thread.is_alive() else None
