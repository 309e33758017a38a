"""Series to what rises: scored in one Arrow pass, a batch of series at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.tables import TRENDS
from autotag_core.trends.baseline import HISTORY_HOURS
from autotag_core.trends.rising import MAX_FALSE_SHARE, MIN_EVENTS, Rises, find_rises
from autotag_core.trends.surprise import false_discovery_rates

_CANDIDATES = pa.schema(
    [
        *(TRENDS.plain_schema.field(name) for name in ("kind", "item", "period", "score", "window_hours")),
        *(TRENDS.plain_schema.field(name) for name in ("observed", "expected", "ratio", "p_value")),
    ]
)


def find_trends(
    series_df: DataFrame, totals: Mapping[str, np.ndarray], num_series: Mapping[str, int], end_hour: int
) -> DataFrame:
    """TRENDS: the series that rise. series_df is that of make_series.

    totals: by kind (HISTORY_HOURS,), what happens in all its series. num_series: by kind, how many there are: each is
    tested, though only those with enough new events can rise and are looked at. Cost: one pass over the series, some
    0.1 ms each. What may be rising, at most about a hundredth of them, is shuffled once, a task a kind and period.
    """
    first_hour = end_hour - HISTORY_HOURS

    def score_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            kinds = batch["kind"].to_numpy(zero_copy_only=False)
            for kind in sorted(set(kinds)):
                part = batch.filter(pa.array(kinds == kind))
                for period, rises in find_rises(_dense(part), totals[kind], first_hour).items():
                    yield _candidates(part, kind, period, rises)

    def select_group(rows: pa.Table) -> pa.Table:
        return _selected(rows, num_series[rows["kind"][0].as_py()], end_hour)

    busy_df = series_df.where(F.col("recent") >= MIN_EVENTS).select("kind", "item", "hours", "nums")
    candidates_df = busy_df.mapInArrow(score_partition, from_arrow_schema(_CANDIDATES))
    return candidates_df.groupBy("kind", "period").applyInArrow(select_group, from_arrow_schema(TRENDS.plain_schema))


def _dense(batch: pa.RecordBatch) -> np.ndarray:
    """(n, HISTORY_HOURS) counts of the batch's series."""
    counts = np.zeros((batch.num_rows, HISTORY_HOURS), np.float32)
    rows = np.repeat(np.arange(batch.num_rows), np.diff(batch["hours"].offsets.to_numpy()))
    counts[rows, batch["hours"].flatten().to_numpy()] = batch["nums"].flatten().to_numpy()
    return counts


def _candidates(batch: pa.RecordBatch, kind: str, period: str, rises: Rises) -> pa.RecordBatch:
    """The series that could rise: a rate of false discoveries is never below the p-value."""
    kept = np.flatnonzero(rises.is_supported & (rises.p_value <= MAX_FALSE_SHARE))
    observed, expected = rises.observed[kept], rises.expected[kept]
    columns = {
        "kind": pa.array([kind] * len(kept), pa.string()),
        "item": batch["item"].take(pa.array(kept)),
        "period": pa.array([period] * len(kept), pa.string()),
        "score": rises.score[kept].astype(np.float32),
        "window_hours": rises.window_hours[kept].astype(np.int32),
        "observed": observed.astype(np.int64),
        "expected": expected,
        "ratio": (observed + 1) / (expected + 1),
        "p_value": rises.p_value[kept],
    }
    return pa.RecordBatch.from_arrays(
        [pa.array(columns[field.name], field.type) for field in _CANDIDATES], schema=_CANDIDATES
    )


def _selected(rows: pa.Table, num_series: int, end_hour: int) -> pa.Table:
    """The candidates of one kind and period that rise, with their ranks; ties by name."""
    rates = false_discovery_rates(rows["p_value"].to_numpy(), num_series)
    found = rows.append_column("q_value", pa.array(rates)).filter(pa.array(rates <= MAX_FALSE_SHARE))
    found = found.sort_by([("score", "descending"), ("item", "ascending")])
    as_of = pa.scalar(datetime.fromtimestamp(3600 * end_hour, UTC), TRENDS.schema.field("as_of").type)
    found = found.append_column("rank", pa.array(np.arange(1, found.num_rows + 1, dtype=np.int32)))
    found = found.append_column("as_of", pa.repeat(as_of, found.num_rows))
    return found.select(TRENDS.schema.names).cast(TRENDS.plain_schema)
