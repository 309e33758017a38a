"""Events of people -> trends: what rises, written as the table's next version."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import numpy as np
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from autotag_core import storage, warehouse
from autotag_core.errors import InputError
from autotag_core.tables import TRENDS, VOTED_TAGS
from autotag_core.trends.baseline import GAP_DAYS, HISTORY_HOURS
from autotag_core.trends.found_trends import FoundTrends, LeftOut
from autotag_core.warehouse import table_uri
from jobs.process.session import spark_session
from jobs.run.delta_tables import read_table_version, write_version
from udfs.trends.events import PROBLEMS, count_events
from udfs.trends.rises import find_trends as find_rising
from udfs.trends.series import count_items, make_series, total_by_hour

_WHOLE_HOUR = timedelta(minutes=5)
"""An hour is over where the newest event is in its last minutes."""
_LEAST_HOURS = 24 * (GAP_DAYS + 7)
"""A weekday must have been seen once before the newest days."""
_SMALL_BYTES = 4 * 2**20
"""Up to this size of the events, some 50,000 as JSON lines, Spark's planning takes longer than its work."""
_NUM_SHOWN = 10


def find_trends(events: str, uri: str, as_of: datetime | None = None) -> FoundTrends:
    """Write what rises at the end of the last whole hour, or at `as_of`, as the next version of `trends`.

    InputError in one line where there is no usable event, or too short a history of them. AutotagError where another
    writer came first. Cost: one scan of the events; then it grows with items x hours in which they have events.
    """
    now = datetime.now(UTC)
    spark = spark_session("autotag trends", is_short=storage.num_bytes(events) <= _SMALL_BYTES)
    with ExitStack() as kept:
        counts_df = _keep(kept, count_events(spark, events, now))
        left_out, num_events, first, newest = _survey(counts_df, events)
        end_hour = int((as_of or newest + _WHOLE_HOUR).timestamp()) // 3600
        _check_history(events, first, newest, end_hour)
        voted_tags_df, note = _voted_tags(spark, uri)
        items_df = count_items(counts_df.where("problem is null").select("kind", "item", "hour", "num"), voted_tags_df)
        series_df = _keep(kept, make_series(items_df, end_hour - HISTORY_HOURS, end_hour, 24 * GAP_DAYS))
        num_series = {row["kind"]: row["count"] for row in series_df.groupBy("kind").count().orderBy("kind").collect()}
        trends_df = _keep(kept, find_rising(series_df, _totals(series_df, num_series), num_series, end_hour))
        version, _ = write_version(
            trends_df.orderBy("kind", "period", "rank"), table_uri(uri, TRENDS.name), uuid.uuid4().hex, TRENDS
        )
        num_rising = {
            (row["kind"], row["period"]): row["count"]
            for row in trends_df.groupBy("kind", "period").count().orderBy("kind", "period").collect()
        }
        shown_df = trends_df.where(F.col("rank") <= _NUM_SHOWN).orderBy("kind", "period", "rank")
        rises = [row.asDict() for row in shown_df.collect()]
    at = datetime.fromtimestamp(3600 * end_hour, UTC)
    return FoundTrends(at, num_events, left_out, num_series, num_rising, rises, version, note)


def _survey(counts_df: DataFrame, events: str) -> tuple[Sequence[LeftOut], int, datetime, datetime]:
    """What was left out, how many events were not, and the times of the first hour and of the newest event."""
    grouped_df = counts_df.groupBy("problem").agg(
        *(F.sum("num").alias("num"), F.min("hour").alias("first"), F.max("newest").alias("newest")),
        F.min("sample").alias("sample"),
    )
    by_problem = {row["problem"]: row for row in grouped_df.collect()}
    good = by_problem.pop(None, None)
    left_out = [
        LeftOut(name, by_problem[name]["num"], by_problem[name]["sample"]) for name in PROBLEMS if name in by_problem
    ]
    if good is None:
        said = "; ".join(f"{one.num} with {one.problem}, such as {one.sample}" for one in left_out) or "it has no rows"
        raise InputError(f"{events}: not one usable event {{time, kind, query | gif_id}}: {said}")
    times = (datetime.fromtimestamp(seconds, UTC) for seconds in (3600 * good["first"], good["newest"]))
    return (left_out, good["num"], *times)


def _check_history(events: str, first: datetime, newest: datetime, end_hour: int) -> None:
    at = datetime.fromtimestamp(3600 * end_hour, UTC)
    if newest < at - timedelta(days=GAP_DAYS):
        raise InputError(f"{events}: the newest event is of {newest:%Y-%m-%d %H:%M}, days before {at:%Y-%m-%d %H:%M}")
    if first > at - timedelta(hours=_LEAST_HOURS):
        raise InputError(
            f"{events}: the first event is of {first:%Y-%m-%d %H:%M}: what is usual can be told from "
            f"{_LEAST_HOURS // 24} days before {at:%Y-%m-%d %H:%M} on, and well from {HISTORY_HOURS // 24} days"
        )


def _voted_tags(spark: SparkSession, uri: str) -> tuple[DataFrame | None, str]:
    """The tags of the current release; None, and why, where there is none."""
    release = warehouse.last_release(uri)
    if release is None or VOTED_TAGS.name not in release.table_versions:
        return None, f"no tags: no night has published in {uri}"
    version = release.table_versions[VOTED_TAGS.name]
    return read_table_version(spark, table_uri(uri, VOTED_TAGS.name), version, VOTED_TAGS), ""


def _totals(series_df: DataFrame, kinds: Sequence[str] | dict[str, int]) -> dict[str, np.ndarray]:
    """By kind (HISTORY_HOURS,), the events of all its series."""
    totals = {kind: np.zeros(HISTORY_HOURS) for kind in kinds}
    for row in total_by_hour(series_df).collect():
        totals[row["kind"]][row["hour"]] = row["num"]
    return totals


def _keep(kept: ExitStack, rows_df: DataFrame) -> DataFrame:
    """The rows, computed once: events may be many, and come to a folder while it is read."""
    rows_df = rows_df.persist(StorageLevel.DISK_ONLY)
    kept.callback(rows_df.unpersist)
    return rows_df


def checked_request(events: str, uri: str) -> tuple[str, str]:
    """The events and the warehouse as Spark takes them. InputError where one is not there or can't be written."""
    events, uri = storage.absolute(events), storage.absolute(uri)
    storage.check_exists(events)
    warehouse.check_writable(uri)
    return events, uri
