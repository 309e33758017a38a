"""Counts by item and hour to series: near-identical queries joined, tags from the GIFs that have them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.labels.words.normalise import normalise
from autotag_core.reports.night.tag_counts import HAS_TAG
from udfs.trends.events import GIF, QUERY, TAG


def count_items(counts_df: DataFrame, voted_tags_df: DataFrame | None) -> DataFrame:
    """(kind, item, hour, num) of queries, GIFs and, with voted_tags, tags.

    Queries that the labels' normalisation writes alike are one item. A tag has the events of all GIFs that have it: by
    an editor, or at least 50% likely, as the report counts them. Cost: queries x hours and GIFs x hours are shuffled
    once; the latter times the tags of a GIF, a second time.
    """
    queries_df = _normalised(counts_df.where(F.col("kind") == QUERY).select("item", "hour", "num"))
    queries_df = queries_df.groupBy("item", "hour").agg(F.sum("num").alias("num"))
    gifs_df = counts_df.where(F.col("kind") == GIF).select("item", "hour", "num")
    found_df = _of_kind(QUERY, queries_df).unionByName(_of_kind(GIF, gifs_df))
    if voted_tags_df is None:
        return found_df
    had_df = voted_tags_df.where(is_had()).select(F.col("gif_id").alias("gif"), F.col("tag").alias("item"))
    seen_df = gifs_df.select(F.col("item").alias("gif")).distinct()
    named_df = _normalised(had_df.join(seen_df, "gif", "left_semi")).distinct()
    tags_df = gifs_df.withColumnRenamed("item", "gif").join(named_df, "gif").groupBy("item", "hour")
    return found_df.unionByName(_of_kind(TAG, tags_df.agg(F.sum("num").alias("num"))))


def is_had() -> SparkColumn:
    """Whether a GIF has the tag of a row of voted_tags."""
    return F.expr(HAS_TAG)


def make_series(items_df: DataFrame, first_hour: int, end_hour: int, recent_hours: int) -> DataFrame:
    """(kind, item, recent, hours, nums): a row an item, with its counts by hours since first_hour, before end_hour.

    recent: events in the last recent_hours. Cost: one shuffle of the counts.
    """
    hour = F.col("hour")
    inside_df = items_df.where((hour >= first_hour) & (hour < end_hour))
    entry = F.struct((hour - first_hour).cast("int").alias("hour"), F.col("num").alias("num"))
    recent = F.sum(F.when(hour >= end_hour - recent_hours, F.col("num")).otherwise(0))
    grouped_df = inside_df.groupBy("kind", "item").agg(recent.alias("recent"), F.collect_list(entry).alias("entries"))
    return grouped_df.select(
        "kind", "item", "recent", F.col("entries.hour").alias("hours"), F.col("entries.num").alias("nums")
    )


def total_by_hour(series_df: DataFrame) -> DataFrame:
    """(kind, hour, num): what happens in all series of a kind; as many rows as hours."""
    entries_df = series_df.select("kind", F.explode(F.arrays_zip("hours", "nums")).alias("entry"))
    return entries_df.groupBy("kind", F.col("entry.hours").alias("hour")).agg(F.sum("entry.nums").alias("num"))


def _of_kind(kind: str, rows_df: DataFrame) -> DataFrame:
    return rows_df.select(F.lit(kind).alias("kind"), "item", "hour", "num")


def _normalised(rows_df: DataFrame) -> DataFrame:
    """The rows with their `item` as the labels normalise it, without those of which nothing is left."""

    def normalise_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            at = batch.schema.get_field_index("item")
            codes = batch.column(at).dictionary_encode()  # a query comes once an hour
            names = pa.array([normalise(name) for name in codes.dictionary.to_pylist()], pa.string())
            yield batch.set_column(at, "item", names.take(codes.indices))

    return rows_df.mapInArrow(normalise_partition, rows_df.schema).where(F.col("item").isNotNull())
