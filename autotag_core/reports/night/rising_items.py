"""What rises, as the table `trends` of a run says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pyarrow.compute as pc

from autotag_core.tables import TRENDS
from autotag_core.warehouse import RunRecord, read_table

NUM_RISING = 10
"""Of each kind and period."""


@dataclass(frozen=True)
class RisingItem:
    """A query, tag or GIF that rises by the hour or the day, with its rank in both. `expected` events are its usual."""

    kind: str
    period: str
    rank: int
    item: str
    observed: int
    expected: float
    window_hours: int
    as_of: datetime


def read_rising(warehouse: str, run: RunRecord) -> list[RisingItem] | None:
    """The first NUM_RISING of each kind and period, by kind, period and rank. None where the run took no trends."""
    if TRENDS.name not in run.table_versions:
        return None
    names = list(RisingItem.__dataclass_fields__)
    rows = read_table(warehouse, TRENDS.name, run, names, pc.field("rank") <= NUM_RISING)
    rows = rows.sort_by([(name, "ascending") for name in ("kind", "period", "rank")])
    return [RisingItem(**row) for row in rows.to_pylist()]
