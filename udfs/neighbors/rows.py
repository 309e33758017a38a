"""Embeddings and lists of neighbors on their way between Spark and numpy."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from autotag_core.errors import AutotagError
from autotag_core.neighbors import Neighbors
from autotag_core.tables import NEIGHBORS

COLUMNS = ["gif_id", "expert", "embedding"]
LISTS = NEIGHBORS.plain_schema
"""NEIGHBORS without comments, which Spark would take for column metadata."""


def spread(parted_df: DataFrame, num_parts: int) -> DataFrame:
    """The rows, those of each `part` (0 .. num_parts - 1) in a partition of their own: one shuffle."""
    keys = _partition_keys(parted_df.sparkSession, num_parts)
    return parted_df.repartition(len(keys), F.lit(keys)[F.col("part")])


def drawn_vectors(embeddings_df: DataFrame, expert: str, num_rows: int, most: int) -> DataFrame:
    """About `most` of the expert's num_rows rows (COLUMNS), chosen by a hash of their ids, or all."""
    one_in = max(1, num_rows // most)
    is_drawn = (F.col("expert") == expert) & (F.pmod(F.xxhash64("gif_id"), F.lit(one_in)) == 0)
    return embeddings_df.where(is_drawn).select(*COLUMNS)


def by_expert(values: Mapping[str, int]) -> Column:
    """The value for the row's expert."""
    return F.create_map([F.lit(item) for pair in values.items() for item in pair])[F.col("expert")]


def first_parts(parts: Mapping[str, int]) -> dict[str, int]:
    """The number of each expert's first part, given how many parts each has; parts are numbered in this order."""
    return dict(zip(parts, [0, *itertools.accumulate(parts.values())], strict=False))


@functools.cache
def _partition_keys(spark: SparkSession, num_partitions: int) -> list[int]:
    """For each partition a number that Spark's hash partitioning sends there. Some parts' own numbers would collide."""
    key = F.col("id").cast("int")
    numbers_df = spark.range(0, 64 * num_partitions, 1, 1).select(
        key.alias("key"), F.pmod(F.hash(key), F.lit(num_partitions)).alias("partition")
    )
    found = {
        row["partition"]: row["key"] for row in numbers_df.groupBy("partition").agg(F.min("key").alias("key")).collect()
    }
    return [found.get(partition, partition) for partition in range(num_partitions)]


def as_batch(expert: str, ids: list[str], found: Neighbors, start: int) -> pa.RecordBatch:
    """NEIGHBORS of the queries `ids`, which are in `found` from `start` on.

    A batch at a time, since the strings of one Arrow array may be 2 GiB together.
    """
    offsets = found.offsets[start : start + len(ids) + 1]
    here = slice(offsets[0], offsets[-1])
    starts = pa.array(offsets - offsets[0], pa.int32())
    columns = [
        pa.array(ids, pa.string()),
        pa.array([expert] * len(ids), pa.string()),
        pa.ListArray.from_arrays(starts, pa.array(found.neighbor_ids[here], pa.string())),
        pa.ListArray.from_arrays(starts, pa.array(found.distances[here], pa.float32())),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=LISTS)


def runs(batches: Iterable[pa.RecordBatch], column: str) -> Iterator[pa.RecordBatch]:
    """The batches, cut where the column's value changes. None is empty."""
    for batch in batches:
        if not batch.num_rows:
            continue
        values = batch[column]
        changes = pc.indices_nonzero(pc.not_equal(values[1:], values[:-1])).to_numpy() + 1
        edges = [0, *changes.tolist(), batch.num_rows]
        for start, end in itertools.pairwise(edges):
            yield batch.slice(start, end - start)


def ids_and_vectors(batch: pa.RecordBatch) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Ids and vectors (n, dimension). AutotagError names a GIF whose embedding is missing or of another length."""
    ids = batch["gif_id"].to_pylist()
    embeddings = batch["embedding"]
    values = embeddings.flatten()
    if embeddings.null_count or values.null_count:
        raise AutotagError(f"an embedding of {batch['expert'][0]} among {ids[0]!r}..{ids[-1]!r} holds nulls")
    lengths = pc.list_value_length(embeddings).to_numpy(zero_copy_only=False)
    odd = np.flatnonzero(lengths != lengths[0])
    if len(odd):
        raise AutotagError(
            f"the embedding of {ids[odd[0]]!r} by {batch['expert'][0]} has {lengths[odd[0]]} dimensions, "
            f"that of {ids[0]!r} {lengths[0]}"
        )
    return ids, values.to_numpy(zero_copy_only=False).reshape(len(ids), -1)


def pairs() -> Column:
    """A list's neighbors as pairs, distances first, so that they sort by distance, then by id."""
    return F.zip_with(
        "distances", "neighbor_ids", lambda distance, id: F.struct(distance.alias("distance"), id.alias("id"))
    )


def lists_of(nearest: Column) -> tuple[Column, Column]:
    """neighbor_ids and distances of such pairs."""
    return nearest["id"].alias("neighbor_ids"), nearest["distance"].alias("distances")
