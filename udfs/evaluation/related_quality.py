"""Sessions split in two parts: what people looked at next in the second, and how far the first part predicts it."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from autotag_core.related.quality import Hits

_BUCKETS = 10_000


def split_sessions(sessions_df: DataFrame, held_out: float, seed: int) -> tuple[DataFrame, DataFrame]:
    """(training, held-out) sessions, by a hash of session_id and seed. Rows of one session stay together."""
    bucket = F.pmod(F.xxhash64(F.lit(seed), "session_id"), F.lit(_BUCKETS))
    is_held_out = bucket < round(held_out * _BUCKETS)
    return sessions_df.where(~is_held_out), sessions_df.where(is_held_out)


def next_views(sessions_df: DataFrame, catalog_df: DataFrame) -> DataFrame:
    """(gif_id, next_id): a row for each view that followed a view of another GIF, both in the catalog."""
    pairs = F.arrays_zip(F.col("gif_ids").alias("gif_id"), F.slice("gif_ids", 2, F.size("gif_ids")).alias("next_id"))
    pairs_df = sessions_df.select(F.inline(pairs).alias("gif_id", "next_id")).where("next_id != gif_id")
    ids_df = catalog_df.select("gif_id")
    return pairs_df.join(ids_df, "gif_id", "left_semi").join(
        ids_df.withColumnRenamed("gif_id", "next_id"), "next_id", "left_semi"
    )


def popular_gifs(sessions_df: DataFrame, catalog_df: DataFrame, count: int) -> list[str]:
    """The GIFs of the catalog with the most views, most first, ties by gif_id."""
    views_df = sessions_df.select(F.explode("gif_ids").alias("gif_id")).join(
        catalog_df.select("gif_id"), "gif_id", "left_semi"
    )
    top_df = views_df.groupBy("gif_id").agg(F.count("*").alias("views")).orderBy(F.desc("views"), "gif_id").limit(count)
    return [row["gif_id"] for row in top_df.collect()]


def cooccurring_gifs(sessions_df: DataFrame, catalog_df: DataFrame, k: int) -> DataFrame:
    """(gif_id, related): the k GIFs of the catalog that most sessions hold together with it, ties by gif_id.

    Cost: one shuffle of as many rows as the squares of sessions' lengths add up to.
    """
    viewed_df = sessions_df.select(F.array_distinct("gif_ids").alias("gif_ids"))
    pairs_df = viewed_df.select(F.explode("gif_ids").alias("gif_id"), "gif_ids")
    pairs_df = pairs_df.select("gif_id", F.explode("gif_ids").alias("other")).where("gif_id != other")
    counts_df = pairs_df.groupBy("gif_id", "other").agg(F.count("*").alias("n"))
    counts_df = counts_df.join(catalog_df.select(F.col("gif_id").alias("other")), "other", "left_semi")
    place = F.row_number().over(Window.partitionBy("gif_id").orderBy(F.desc("n"), "other"))
    top_df = counts_df.withColumn("place", place).where(F.col("place") <= k)
    in_order = F.array_sort(F.collect_list(F.struct("place", "other")))["other"]
    return top_df.groupBy("gif_id").agg(in_order.alias("related"))


def count_hits(
    views_df: DataFrame, related_df: DataFrame, cooccurring_df: DataFrame, popular: list[str], k: int
) -> tuple[int, dict[str, Hits]]:
    """How many views there are, and the hits of each method on next_views.

    `popular` holds k + 1 GIFs, since none is recommended beside itself. Cost: one pass over the views and a shuffle of
    both lists by gif_id.
    """
    lists = {
        "related": F.slice("related", 1, k),
        "from sessions": F.when(F.col("source") == "sessions", F.slice("related", 1, k)),
        "from tags": F.when(F.col("source") == "tags", F.slice("related", 1, k)),
        "co-occurrence": F.slice("together", 1, k),
        "popularity": F.slice(F.array_except(F.array(*map(F.lit, popular)), F.array("gif_id")), 1, k),
    }
    joined_df = views_df.join(related_df.select("gif_id", "related", "source"), "gif_id", "left").join(
        cooccurring_df.withColumnRenamed("related", "together"), "gif_id", "left"
    )
    sums = [F.count("*").alias("views")]
    for number, found in enumerate(lists.values()):
        sums.append(F.count(found).alias(f"answers_{number}"))
        sums.append(F.count_if(F.array_contains(found, F.col("next_id"))).alias(f"hits_{number}"))
    row = joined_df.agg(*sums).collect()[0]
    named = {name: Hits(row[f"answers_{number}"], row[f"hits_{number}"]) for number, name in enumerate(lists)}
    return row["views"], named
