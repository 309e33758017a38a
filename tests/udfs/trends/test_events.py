"""Events become counts by item and hour; what is wrong with an event is counted, with a sample."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from udfs.trends.events import count_events

NOW = datetime(2026, 11, 30, 12, 30, tzinfo=UTC)
NOON = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp())
HOUR = NOON // 3600


def counted(spark: SparkSession, uri: Path) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """By (problem, kind, item, hour): (num, newest, sample)."""
    rows = count_events(spark, str(uri), NOW).collect()
    return {(row.problem, row.kind, row["item"], row.hour): (row.num, row.newest, row.sample) for row in rows}


def test_events_are_counted_by_item_and_hour_however_their_time_is_written(spark: SparkSession, tmp_path: Path) -> None:
    times = [
        "2026-11-30T12:00:00Z",
        "2026-11-30 13:59:59+02:00",
        "2026-11-30T12:10:00",
        NOON,
        NOON * 1000 + 1,
        NOON * 10**6,
    ]
    events = [{"time": time, "kind": "search", "query": "Cat"} for time in times]
    events += [{"time": NOON + 0.5, "kind": " Share", "gif_id": 7}, {"time": str(NOON), "kind": "view", "gif_id": "7"}]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join(map(json.dumps, events)))
    assert counted(spark, file) == {
        (None, "query", "Cat", HOUR): (5, NOON + 600, None),
        (None, "query", "Cat", HOUR - 1): (1, NOON - 1, None),
        (None, "gif", "7", HOUR): (2, NOON + 0.5, None),
    }


def test_what_is_wrong_with_an_event_is_counted_with_a_sample(spark: SparkSession, tmp_path: Path) -> None:
    bad = {
        "unreadable row": "nonsense",
        "no time": '{"kind": "view", "gif_id": "a"}',
        "time in the future": '{"time": "2099-01-01", "kind": "view", "gif_id": "a"}',
        "kind is not search, view or share": f'{{"time": {NOON}, "kind": "like", "gif_id": "a"}}',
        "no query or gif_id": f'{{"time": {NOON}, "kind": "search", "gif_id": "a"}}',
    }
    good = f'{{"time": {NOON + 3000}, "kind": "view", "gif_id": "a", "query": "ignored"}}'  # clocks may differ
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join([*bad.values(), *bad.values(), good]))
    assert counted(spark, file) == {
        **{(problem, None, None, None): (2, None, row) for problem, row in bad.items()},
        (None, "gif", "a", HOUR): (1, NOON + 3000, None),
    }


def test_parquet_and_csv_are_read_too_and_a_broken_file_is_one_failure(spark: SparkSession, tmp_path: Path) -> None:
    times = pa.array([datetime.fromtimestamp(NOON, UTC), NOW - timedelta(hours=2)], pa.timestamp("us", "UTC"))
    events = pa.table({"time": times, "kind": ["view", "odd"], "gif_id": ["a", "b"]})
    folder = tmp_path / "events.parquet"
    folder.mkdir()
    pq.write_table(events, folder / "a.parquet")
    (folder / "b.parquet").write_bytes(b"PAR1 but no more")
    found = counted(spark, folder)
    assert found.pop((None, "gif", "a", HOUR))[0] == 1
    odd = found.pop(("kind is not search, view or share", None, None, None))
    assert odd[0] == 1 and json.loads(odd[2])["gif_id"] == "b"
    (num, _, sample) = found.pop(("unreadable file", None, None, None))
    assert (num, found) == (1, {}) and "b.parquet" in sample
    (tmp_path / "events.csv").write_text(f"time,kind,query,gif_id\n{NOON},search,cat,\n")
    assert counted(spark, tmp_path / "events.csv") == {(None, "query", "cat", HOUR): (1, NOON, None)}
