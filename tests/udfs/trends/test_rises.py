"""Sparse series become dense, and of the candidates of a kind and period those rise that are no false discoveries."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from autotag_core.tables import TRENDS
from autotag_core.trends.baseline import HISTORY_HOURS
from udfs.trends.rises import _CANDIDATES, _dense, _selected


def test_a_series_has_its_counts_at_its_hours_and_nothing_elsewhere() -> None:
    lists = {"hours": [[0, HISTORY_HOURS - 1], [], [5]], "nums": [[3, 4], [], [7]]}
    schema = pa.schema([("hours", pa.list_(pa.int32())), ("nums", pa.list_(pa.int64()))])
    batch = pa.RecordBatch.from_pydict(lists, schema=schema)
    for rows, expected in ((batch, [(0, 0, 3), (0, HISTORY_HOURS - 1, 4), (2, 5, 7)]), (batch.slice(2), [(0, 5, 7)])):
        counts = _dense(rows)
        assert [(*place, counts[tuple(place)]) for place in np.argwhere(counts)] == expected


def test_those_rise_whose_rate_of_false_discoveries_is_low_with_the_highest_score_first() -> None:
    rows = [("b", 1.0, 1e-6), ("a", 1.0, 1e-5), ("top", 2.0, 1e-7), ("chance", 3.0, 5e-3)]
    given = [
        {"kind": "query", "item": item, "period": "hour", "score": score, "p_value": p_value}
        for item, score, p_value in rows
    ]
    found = _selected(pa.Table.from_pylist(given, schema=_CANDIDATES), 1000, 24)
    assert found.schema.names == TRENDS.schema.names
    assert [(row["rank"], row["item"], round(row["q_value"], 6)) for row in found.to_pylist()] == [
        (1, "top", 1e-4),
        (2, "a", 0.003333),
        (3, "b", 5e-4),
    ]
    assert set(found["as_of"].to_pylist()) == {datetime(1970, 1, 2, tzinfo=UTC)}
