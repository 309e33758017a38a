"""Events of people, {time, kind, query | gif_id}: read, checked, and counted by the hour."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autotag_core.inputs import WRONG_FILE, Column, file_kind
from udfs.inputs.lower_case import lower_case
from udfs.inputs.read_rows import read_rows

EVENTS = (Column("time"), Column("kind"), Column("query"), Column("gif_id", "id"))
QUERY, TAG, GIF = "query", "tag", "gif"
KINDS = {"search": QUERY, "view": GIF, "share": GIF}
"""By kind of an event, what it is an event of."""
NO_FILE, UNREADABLE, NO_TIME, FUTURE, NO_KIND, NO_ITEM = PROBLEMS = (
    "unreadable file",
    "unreadable row",
    "no time",
    "time in the future",
    "kind is not search, view or share",
    "no query or gif_id",
)
"""What can be wrong with an event, in the order in which it is looked for."""
_AHEAD_S = 3600
"""Clocks may differ by so many seconds: what is later is in the future."""
_SAMPLE_CHARS = 200
_MILLIS, _MICROS = 1e11, 1e14
"""Numbers from here on are milliseconds or microseconds since 1970: as seconds they would be of the year 5138."""


def count_events(spark: SparkSession, uri: str, now: datetime) -> DataFrame:
    """(problem, sample, kind, item, hour, num, newest): events of a file or folder by item and hour, native and lazy.

    hour: hours since 1970. newest: seconds since 1970 of the newest of them. Files are JSON lines, CSV or Parquet.
    A time is ISO 8601, in UTC where it names no zone, or a number of seconds, milliseconds or microseconds since 1970.
    An event that can't be used has only its `problem` and as a `sample` the beginning of its row. Cost: one scan, and
    one shuffle of the counts.
    """
    rows_df = read_rows(spark, uri, EVENTS, kind=file_kind(uri, otherwise="json"))
    rows_df = rows_df.withColumnRenamed("problem", "problem_text")
    seconds = _seconds(F.col("time"))
    events_df = rows_df.withColumn("seconds", seconds).withColumn("event", lower_case(F.col("kind")))
    events_df = events_df.withColumn(
        "named", F.when(F.col("event") == "search", F.col("query")).otherwise(F.col("gif_id"))
    )
    events_df = events_df.withColumn("problem", _problem(now.astimezone(UTC).timestamp()))
    quoted = F.coalesce("raw", "problem_text", F.to_json(F.struct("time", "kind", "query", "gif_id")))
    is_good = F.col("problem").isNull()
    of = F.create_map(*(F.lit(text) for pair in KINDS.items() for text in pair))
    return events_df.groupBy(
        "problem",
        F.when(~is_good, F.substring(quoted, 1, _SAMPLE_CHARS)).alias("sample"),
        F.when(is_good, of[F.col("event")]).alias("kind"),
        F.when(is_good, F.col("named")).alias("item"),
        F.when(is_good, F.floor(F.col("seconds") / 3600)).alias("hour"),
    ).agg(F.count("*").alias("num"), F.max(F.when(is_good, F.col("seconds"))).alias("newest"))


def _seconds(time: SparkColumn) -> SparkColumn:
    number = time.try_cast("double")
    scaled = F.when(F.abs(number) >= _MICROS, number / 1e6).when(F.abs(number) >= _MILLIS, number / 1e3)
    return F.coalesce(scaled.otherwise(number), time.try_cast("timestamp").try_cast("double"))


def _problem(now_s: float) -> SparkColumn:
    return (
        F.when(F.col("wrong") == WRONG_FILE, NO_FILE)
        .when(F.col("wrong").isNotNull(), UNREADABLE)
        .when(F.col("seconds").isNull() | (F.col("seconds") <= 0) | F.isnan("seconds"), NO_TIME)
        .when(F.col("seconds") > now_s + _AHEAD_S, FUTURE)
        .when(F.col("event").isNull() | ~F.col("event").isin(*KINDS), NO_KIND)
        .when(F.col("named").isNull(), NO_ITEM)
    )
