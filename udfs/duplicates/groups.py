"""Neighbors and frame hashes in, groups of near duplicates out; also neighbors and tags that take them into account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from autotag_core.config import DuplicatesConfig
from autotag_core.duplicates import is_duplicate, picture_distances
from autotag_core.splits import TRAIN
from autotag_core.tables import NEIGHBORS
from udfs.duplicates.components import connected_components, star_groups
from udfs.tasks.keep import Keep

EXPERT = "imagenet"
"""The expert whose neighbors are the candidates: copies look alike, whatever people say about them."""

_PAIR = (
    "node string, other string, distance float, "
    "node_hashes array<bigint>, node_colors binary, other_hashes array<bigint>, other_colors binary"
)


def find_duplicates(neighbors_df: DataFrame, media_df: DataFrame, config: DuplicatesConfig, keep: Keep) -> DataFrame:
    """DUPLICATES: each GIF that is in a group of two or more, with the group's smallest gif_id.

    Files of the same bytes (media.version) start as one group. Two files are joined if one is among the other's
    `imagenet` neighbors and is_duplicate holds; groups are what these pairs connect. So copies that are all outside the
    train split are found only if a train GIF or their bytes connect them. A group of more than max_group distinct files
    is cut to what matches its smallest GIF (star_groups); same bytes always stay together.

    Cost for N GIFs and k neighbors: N k candidate rows. Those within max_distance meet the hashes in two shuffles. Then
    the remaining pairs go through connected_components: in one task if they fit it, else in a few rounds of shuffles.
    All linear in N.
    """
    files_df = _files(media_df)
    pairs_df = keep(duplicate_pairs(neighbors_df, files_df, config))
    groups_df, num_pairs = connected_components(pairs_df, keep), pairs_df.count()
    if num_pairs >= config.max_group:  # fewer pairs connect no more files
        groups_df = _bounded(groups_df, pairs_df, config.max_group)
    group_id = F.coalesce("root", "file_id").alias("group_id")
    in_group = Window.partitionBy("group_id")
    return (
        files_df.join(groups_df.withColumnRenamed("node", "file_id"), "file_id", "left")
        .select("gif_id", group_id)
        .withColumn("group_size", F.count("*").over(in_group))
        .where("group_size > 1")
    )


def duplicate_pairs(neighbors_df: DataFrame, files_df: DataFrame, config: DuplicatesConfig) -> DataFrame:
    """(node, other), node > other: file_ids of files that are copies by is_duplicate, each pair once.

    files_df is (gif_id, file_id, frame_hashes, frame_colors).
    """
    near_df = (
        neighbors_df.where(F.col("expert") == EXPERT)
        .select("gif_id", F.explode(F.arrays_zip("neighbor_ids", "distances")).alias("near"))
        .select("gif_id", F.col("near.neighbor_ids").alias("neighbor_id"), F.col("near.distances").alias("distance"))
        .where(F.col("distance") <= config.max_distance)
    )
    nodes_df, others_df = (
        files_df.select(
            F.col("gif_id").alias(key),
            F.col("file_id").alias(side),
            F.col("frame_hashes").alias(f"{side}_hashes"),
            F.col("frame_colors").alias(f"{side}_colors"),
        )
        for key, side in (("gif_id", "node"), ("neighbor_id", "other"))
    )
    candidates_df = near_df.join(nodes_df, "gif_id").join(others_df, "neighbor_id").where("node != other")

    def keep_duplicates(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _keep_duplicates(batches, config)

    columns = [column.split()[0] for column in _PAIR.split(", ")]
    found_df = candidates_df.select(*columns).mapInArrow(keep_duplicates, _PAIR)
    return found_df.select(
        F.greatest("node", "other").alias("node"), F.least("node", "other").alias("other")
    ).distinct()


def distinct_neighbors(neighbors_df: DataFrame, duplicates_df: DataFrame, k: int) -> DataFrame:
    """NEIGHBORS rows in which a group of copies counts once: the nearest member stays, then the first k.

    Order and distances are those of the row. A GIF outside any group is a group of its own; other copies of the GIF
    itself are one neighbor too. Search for more than k, or lists that lose copies get short. Cost: the lists' items are
    shuffled by neighbor to meet their groups (unless these fit a broadcast), and back by GIF.
    """
    keys = ["gif_id", "expert"]
    items_df = neighbors_df.select(*keys, F.posexplode_outer(F.arrays_zip("neighbor_ids", "distances")))
    items_df = items_df.select(
        *keys, "pos", F.col("col.neighbor_ids").alias("neighbor_id"), F.col("col.distances").alias("distance")
    )
    groups_df = duplicates_df.select(F.col("gif_id").alias("neighbor_id"), "group_id")
    item = F.struct("pos", "neighbor_id", "distance", F.coalesce("group_id", "neighbor_id").alias("group_id"))
    items = F.array_sort(F.collect_list(F.when(F.col("pos").isNotNull(), item))).alias("items")
    lists_df = items_df.join(groups_df, "neighbor_id", "left").groupBy(*keys).agg(items)
    groups = F.col("items.group_id")
    is_nearest = F.filter("items", lambda one, at: F.array_position(groups, one["group_id"]) == at + 1)
    return (
        lists_df.select(*keys, F.slice(is_nearest, 1, k).alias("nearest"))
        .select(*keys, F.col("nearest.neighbor_id").alias("neighbor_ids"), F.col("nearest.distance").alias("distances"))
        .select(*NEIGHBORS.schema.names)
    )


def flow_tags(catalog_df: DataFrame, duplicates_df: DataFrame) -> DataFrame:
    """(gif_id, tag, num_members): tags that a GIF lacks and train members of its group came with, and how many did.

    Tags are uploaders' and editors'; a GIF of any split receives them. Cost: members times the distinct tags of their
    group; no pair of members is ever built.
    """
    came_with = F.array_union("tags", "editorial_tags")
    members_df = duplicates_df.select("gif_id", "group_id").join(
        catalog_df.select("gif_id", "split", came_with.alias("own_tags")), "gif_id"
    )
    known_df = (
        members_df.where(F.col("split") == TRAIN)
        .select("group_id", F.explode("own_tags").alias("tag"))
        .groupBy("group_id", "tag")
        .agg(F.count("*").alias("num_members"))
    )
    return (
        members_df.join(known_df, "group_id")
        .where(~F.array_contains("own_tags", F.col("tag")))
        .select("gif_id", "tag", "num_members")
    )


def _files(media_df: DataFrame) -> DataFrame:
    """(gif_id, file_id, frame_hashes, frame_colors): file_id is the smallest gif_id with the same bytes."""
    firsts_df = media_df.groupBy("version").agg(F.min("gif_id").alias("file_id"))
    return media_df.join(firsts_df, "version").select("gif_id", "file_id", "frame_hashes", "frame_colors")


def _keep_duplicates(batches: Iterable[pa.RecordBatch], config: DuplicatesConfig) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        sides = [
            tuple(batch[f"{side}_{what}"].to_pylist() for what in ("hashes", "colors")) for side in ("node", "other")
        ]
        found = is_duplicate(batch["distance"].to_numpy(), *picture_distances(*sides), config)
        yield batch.filter(pa.array(found))


def _bounded(groups_df: DataFrame, pairs_df: DataFrame, max_group: int) -> DataFrame:
    """(node, root). Groups of more than max_group files, root included, are replaced by their star_groups."""
    sizes_df = groups_df.groupBy("root").agg((F.count("*") + 1).alias("num_files"))
    too_large_df = sizes_df.where(F.col("num_files") > max_group).select("root")
    # every pair has its larger file as node, and that one is never a root
    within_df = pairs_df.join(groups_df.join(too_large_df, "root", "left_semi"), "node", "left_semi")
    return groups_df.join(too_large_df, "root", "left_anti").select("node", "root").union(star_groups(within_df))
