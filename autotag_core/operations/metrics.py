"""Metrics of a night for Prometheus: what its row of `runs` says, and the release that readers see after it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Gauge

from autotag_core.warehouse import FAILED, NOT_PUBLISHED, PUBLISHED, UNCHANGED, RunRecord

STATUSES = (PUBLISHED, UNCHANGED, FAILED, NOT_PUBLISHED)
METRICS: dict[str, tuple[str, tuple[str, ...]]] = {
    "autotag_run_status": ("1 for the way in which the last night ended, else 0", ("status",)),
    "autotag_run_exit_code": ("Exit code of the last night", ()),
    "autotag_run_started_timestamp_seconds": ("When the last night started", ()),
    "autotag_run_finished_timestamp_seconds": ("When the last night ended, well or not", ()),
    "autotag_last_success_timestamp_seconds": ("When a night last ended as published or unchanged", ()),
    "autotag_stage_seconds": ("Seconds of a stage of the last night", ("stage",)),
    "autotag_stage_task_seconds": ("Seconds of a part of a stage, of all tasks together", ("stage", "part")),
    "autotag_stage_rows_in": ("Rows that a stage of the last night was given", ("stage",)),
    "autotag_stage_rows_out": ("Rows that a stage of the last night made", ("stage",)),
    "autotag_failures": ("Items of the last night that could not be done", ("stage", "reason")),
    "autotag_gate_value": ("What a gate of the last night saw", ("gate",)),
    "autotag_gate_limit": ("The greatest value that passes the gate", ("gate",)),
    "autotag_gate_accepted": ("1 where --accept overruled a gate that would have held the night", ("gate",)),
    "autotag_release_timestamp_seconds": ("When the release that readers see was published", ()),
    "autotag_release_gifs": ("GIFs of the release that readers see", ()),
    "autotag_release_tags": ("Rows of voted_tags of the release that readers see", ()),
    "autotag_release_documents": ("Search documents of the release that readers see", ()),
}
"""Every metric by name: its help, and its labels besides `warehouse`. Rules and dashboards may use no other."""
KEPT = tuple(name for name in METRICS if name.startswith(("autotag_release_", "autotag_last_success_")))
"""Metrics that are true of the warehouse and not of one night: a night that can't read it leaves them as they were."""
_GATE = re.compile(r"([0-9.]+) of at most ([0-9.e-]+)(, accepted)?")

Sample = tuple[str, tuple[str, ...], float]
"""A metric's name, the values of its labels without the warehouse, and its value."""


@dataclass(frozen=True)
class NightEnd:
    """How a night ended, as this process knows it."""

    exit_code: int
    started: float
    """Seconds since 1970, like `finished`."""
    finished: float
    record: RunRecord | None = None
    """What it had done until then. None: it ended before there was a run."""
    earlier: tuple[RunRecord, ...] | None = None
    """Every row of `runs`, oldest first, with this run's. None: they can't be read."""
    kept: tuple[Sample, ...] = field(default=())
    """Samples of KEPT from the last night, for where `earlier` is None."""


def night_registry(warehouse: str, end: NightEnd) -> CollectorRegistry:
    """The metrics of a night, each with the label `warehouse`. A metric of which nothing is known has no sample."""
    registry = CollectorRegistry()
    gauges: dict[str, Gauge] = {}
    for name, labels, value in night_samples(end):
        if name not in gauges:
            text, names = METRICS[name]
            gauges[name] = Gauge(name, text, ("warehouse", *names), registry=registry)
        gauges[name].labels(warehouse, *labels).set(value)
    return registry


def night_samples(end: NightEnd) -> Iterator[Sample]:
    """Every sample of a night."""
    status = _status(end)
    yield from (("autotag_run_status", (name,), float(name == status)) for name in STATUSES)
    yield "autotag_run_exit_code", (), end.exit_code
    yield "autotag_run_started_timestamp_seconds", (), end.started
    yield "autotag_run_finished_timestamp_seconds", (), end.finished
    if end.record is not None:
        yield from _of_run(end.record)
    yield from end.kept if end.earlier is None else _of_warehouse(end.earlier)


def _status(end: NightEnd) -> str:
    if end.exit_code == 0 and end.record is not None:
        return end.record.status
    return NOT_PUBLISHED if end.exit_code == 3 else FAILED


def _of_run(record: RunRecord) -> Iterator[Sample]:
    for name, seconds in record.seconds.items():
        stage, _, part = name.partition(":")
        if part:
            yield "autotag_stage_task_seconds", (stage, part), seconds
        else:
            yield "autotag_stage_seconds", (stage,), seconds
    yield from (("autotag_stage_rows_in", (name,), count) for name, count in record.rows_in.items())
    yield from (("autotag_stage_rows_out", (name,), count) for name, count in record.rows_out.items())
    for name, count in record.failures.items():
        stage, _, reason = name.partition(":")
        yield "autotag_failures", (stage, reason), count
    for gate, seen in record.gates.items():
        if found := _GATE.fullmatch(seen):
            yield "autotag_gate_value", (gate,), float(found[1])
            yield "autotag_gate_limit", (gate,), float(found[2])
            yield "autotag_gate_accepted", (gate,), float(bool(found[3]))


def _of_warehouse(runs: Iterable[RunRecord]) -> Iterator[Sample]:
    runs = list(runs)
    done = [run for run in runs if run.status in (PUBLISHED, UNCHANGED)]
    if done:
        yield "autotag_last_success_timestamp_seconds", (), max(run.finished.timestamp() for run in done)
    release = next((run for run in reversed(runs) if run.is_release), None)
    if release is None:
        return
    yield "autotag_release_timestamp_seconds", (), release.finished.timestamp()
    for name, stage in (("gifs", "catalog"), ("tags", "votes"), ("documents", "documents")):
        if stage in release.rows_out:
            yield f"autotag_release_{name}", (), release.rows_out[stage]
