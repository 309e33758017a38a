"""Neighbors and catalog in; out, sorted GIF by GIF, the rows that the vote's inner loops take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.splits import TRAIN
from autotag_core.votes import TagTable


@dataclass(frozen=True)
class Ballots:
    """What the vote reads: lists of neighbors (NEIGHBORS), about_rows of all GIFs, the table of their tags, and looks
    (udfs/votes/looks.py) where there are any.
    """

    neighbors_df: DataFrame
    about_df: DataFrame
    tags: TagTable
    looks_df: DataFrame | None = None

    def rows(self, experts: Sequence[str], chosen_df: DataFrame | None = None) -> DataFrame:
        """gif_rows of these experts' lists. With chosen_df (gif_id), which is broadcast, of its GIFs alone."""
        lists_df = self.neighbors_df.where(F.col("expert").isin(list(experts)))
        read = [lists_df, self.about_df]
        if self.looks_df is not None:
            read.append(self.looks_df.withColumn("expert", F.lit(experts[0])))
        if chosen_df is not None:
            chosen_df = F.broadcast(chosen_df.select("gif_id").distinct())
            read = [one_df.join(chosen_df, "gif_id", "left_semi") for one_df in read]
        return gif_rows(*read)


def about_rows(catalog_df: DataFrame, copied_df: DataFrame | None = None) -> DataFrame:
    """A row (autotag_core.votes.ABOUT) for each GIF of the catalog: its tags by who gave them, no tag twice.

    copied_df (gif_id, tag): tags that only near duplicates of a GIF came with. Native; the only shuffle brings these to
    their GIFs.
    """
    tags, editorial = F.array_distinct("tags"), F.array_distinct("editorial_tags")
    only_editorial = F.array_except(editorial, tags)
    items = F.concat(only_editorial, F.array_intersect(editorial, tags), F.array_except(tags, editorial))
    about_df = catalog_df.select(
        "gif_id",
        items.alias("items"),
        F.size(only_editorial).alias("first_own"),
        F.size(editorial).alias("num_editorial"),
        F.size(items).alias("first_copied"),
        (F.col("split") == TRAIN).alias("is_train"),
    )
    if copied_df is None:
        return about_df
    lists_df = copied_df.groupBy("gif_id").agg(F.array_sort(F.collect_set("tag")).alias("copied"))
    all_items = F.when(F.col("copied").isNull(), F.col("items")).otherwise(F.array_union("items", "copied"))
    return about_df.join(lists_df, "gif_id", "left").withColumn("items", all_items).drop("copied")


def gif_rows(neighbors_df: DataFrame, about_df: DataFrame, looks_df: DataFrame | None = None) -> DataFrame:
    """Rows (gif_id, expert, items, distances, ...) GIF by GIF: an expert's neighbors; the row about the GIF, which has
    no expert; and its look, in a row of any expert that lists nothing. This is the vote's only shuffle: the lists as
    they are, by GIF.
    """
    lists_df = neighbors_df.select("gif_id", "expert", F.col("neighbor_ids").alias("items"), "distances")
    rows_df = lists_df.unionByName(about_df, allowMissingColumns=True)
    if looks_df is not None:
        nothing = {"items": "array<string>", "distances": "array<float>"}
        empty = [F.array().cast(kind).alias(name) for name, kind in nothing.items()]
        rows_df = rows_df.unionByName(looks_df.select("*", *empty), allowMissingColumns=True)
    return rows_df.repartition("gif_id").sortWithinPartitions("gif_id")
