"""The last runs of a warehouse: experts' weights and stages' seconds, night by night."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from autotag_core.errors import InputError
from autotag_core.tables import EXPERT_WEIGHTS
from autotag_core.warehouse import RunRecord, read_table

MAX_RUNS = 30
_THREADS = 8


@dataclass(frozen=True)
class ExpertWeight:
    """An expert's weight on a night, with the interval of 95% and what it rests on."""

    run_id: str
    finished: datetime
    expert: str
    weight: float
    low: float | None
    high: float | None
    num_correct: int
    num_evaluated: int
    evaluated_on: str


def runs_until(runs: Sequence[RunRecord], last: RunRecord) -> list[RunRecord]:
    """The MAX_RUNS newest runs up to and with `last` that did something, oldest first."""
    return [run for run in runs if run.sequence <= last.sequence and run.seconds][-MAX_RUNS:]


def read_weights(warehouse: str, runs: Sequence[RunRecord]) -> list[ExpertWeight]:
    """Weights of the runs whose table is still there, oldest run first, experts alphabetical.

    Cost: a small file a run.
    """
    named = [run for run in runs if EXPERT_WEIGHTS.name in run.table_versions]
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="weights") as pool:
        return [weight for found in pool.map(lambda run: _weights_of(warehouse, run), named) for weight in found]


def _weights_of(warehouse: str, run: RunRecord) -> list[ExpertWeight]:
    try:
        rows = read_table(warehouse, EXPERT_WEIGHTS.name, run).to_pylist()
    except InputError:  # warehouse.keep_releases has dropped it
        return []
    return [
        ExpertWeight(
            run.run_id,
            run.finished,
            row["expert"],
            row["weight"],
            row["weight_low"],
            row["weight_high"],
            row["num_correct"],
            row["num_evaluated"],
            row["evaluated_on"],
        )
        for row in sorted(rows, key=lambda row: str(row["expert"]))
    ]
