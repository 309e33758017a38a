"""Embeddings in, nearest train GIFs out: shards built in executors, each query brought to all of them by one task."""

from __future__ import annotations

import itertools
import logging
import math
import os
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core import storage
from autotag_core.config import NeighborsConfig
from autotag_core.errors import AutotagError
from autotag_core.neighbors import Backend, Neighbors, build_shard, choose_backend, num_shards, search_shards
from autotag_core.tables import NEIGHBORS

QUERY_BYTES = 256 * 1024 * 1024
"""Queries, with their vectors and candidates, that one task holds: it reads each shard once for them, so more of them
is less reading."""
CANDIDATE_BYTES = 64
"""One candidate while lists are merged: distance, pointer to its id, query and positions in sorting orders."""
MIN_QUERIES = 256
"""No query partition is made smaller than this for the sake of more tasks."""
ROWS_PER_BATCH = 4096

_log = logging.getLogger(__name__)

SHARDS = pa.schema(
    [
        pa.field("expert", pa.string()),
        pa.field("uri", pa.string()),
        pa.field("num_references", pa.int64()),
        pa.field("dimension", pa.int32()),
    ]
)
_NEIGHBORS = pa.schema([pa.field(field.name, field.type) for field in NEIGHBORS.schema])
"""Without comments, which Spark would take for column metadata."""


@dataclass(frozen=True)
class ShardRow:
    """A shard that an executor wrote."""

    expert: str
    uri: str
    num_references: int
    dimension: int


@dataclass(frozen=True)
class ExpertSize:
    """How many GIFs an expert has embedded, and how many of them are references."""

    num_queries: int
    num_references: int


def find_neighbors(
    embeddings_df: DataFrame, reference_ids_df: DataFrame, config: NeighborsConfig, folder: str
) -> DataFrame:
    """NEIGHBORS of every row of embeddings_df among the GIFs of reference_ids_df (gif_id), each expert by itself.

    Nearest first, ties by gif_id, never the GIF itself; a GIF whose expert has no reference gets empty lists. Shards
    are built at once, under `folder` (local or s3a), by the tasks of one Spark job; the search runs when the result is
    written and needs them until then: the caller deletes the folder. embeddings_df is read three times: give it a
    table, not a plan.

    Cost for Q queries, N references, dimension d, P = ceil(N / shard_size) shards. exact: 2 Q N d operations.
    nmslib: a build of about N log(shard_size) and Q P searches, so it grows with P: few and large shards. Each vector
    is shuffled once as a query and once as a reference; every search task reads every shard of its expert, from its
    host's disk. Memory of a task: a build streams (exact), or holds 2 x shard_size x d x 4 bytes, its links and ids
    (nmslib: 2.7 GB at 250,000 x 1280); a search holds about 2 QUERY_BYTES, whatever d, k and P are, and one shard
    (exact: mapped, shared by the host's tasks; nmslib: shard_size x (d x 4 + 8 M + 16) bytes). Disk of a host: all
    shards, where they come from S3.
    """
    sizes = expert_sizes(embeddings_df, reference_ids_df)
    references_df = embeddings_df.join(reference_ids_df.select("gif_id"), "gif_id", "left_semi")
    shards = build_shards(references_df, sizes, config, folder)
    return search_queries(embeddings_df, sizes, shards, config)


def expert_sizes(embeddings_df: DataFrame, reference_ids_df: DataFrame) -> dict[str, ExpertSize]:
    """Queries and references of each expert, by name; reads no vector."""
    marked_df = reference_ids_df.select("gif_id", F.lit(1).alias("reference")).distinct()
    counted_df = (
        embeddings_df.select("gif_id", "expert")
        .join(marked_df, "gif_id", "left")
        .groupBy("expert")
        .agg(F.count("*").alias("queries"), F.count("reference").alias("references"))
        .orderBy("expert")
    )
    return {row["expert"]: ExpertSize(row["queries"], row["references"]) for row in counted_df.collect()}


def build_shards(
    references_df: DataFrame, sizes: dict[str, ExpertSize], config: NeighborsConfig, folder: str
) -> list[ShardRow]:
    """Write every expert's reference as shards under the folder, each by one task; a GIF's shard is its id's hash."""
    parts = {expert: num_shards(config, size.num_references) for expert, size in sizes.items() if size.num_references}
    if not parts:
        return []
    backends = {expert: choose_backend(config, sizes[expert].num_references) for expert in parts}
    for expert, backend in backends.items():
        _log.info(
            "neighbors of %s: %s over %d references in %d shards",
            *(expert, backend, sizes[expert].num_references, parts[expert]),
        )

    def build_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _build_partition(batches, config, backends, folder)

    # sorted by Spark, which can spill, so that Python streams; the order makes an index repeatable
    sorted_df = _one_part_a_partition(references_df, parts).sortWithinPartitions("part", "gif_id")
    rows = sorted_df.mapInArrow(build_partition, from_arrow_schema(SHARDS)).collect()
    return [ShardRow(**row.asDict()) for row in sorted(rows, key=lambda row: (row["expert"], row["uri"]))]


def search_queries(
    embeddings_df: DataFrame, sizes: dict[str, ExpertSize], shards: list[ShardRow], config: NeighborsConfig
) -> DataFrame:
    """NEIGHBORS: for each embedding the k nearest over all shards of its expert."""
    num_tasks = embeddings_df.sparkSession.sparkContext.defaultParallelism
    dimensions = {shard.expert: shard.dimension for shard in shards}
    parts = {}
    for expert, size in sizes.items():
        least = math.ceil(size.num_queries * query_bytes(dimensions.get(expert, 0), config.k) / QUERY_BYTES)
        parts[expert] = max(least, min(num_tasks, math.ceil(size.num_queries / MIN_QUERIES)), 1)

    def search_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _search_partition(batches, shards, config)

    spread_df = _one_part_a_partition(embeddings_df, parts) if parts else embeddings_df.select(_COLUMNS)
    return spread_df.mapInArrow(search_partition, from_arrow_schema(_NEIGHBORS))


_COLUMNS = ["gif_id", "expert", "embedding"]


def _one_part_a_partition(embeddings_df: DataFrame, parts: dict[str, int]) -> DataFrame:
    """(gif_id, expert, embedding, part): each expert cut into so many parts by a hash of gif_id, each a partition."""

    def by_expert(values: Iterable[int]) -> Column:
        pairs = zip(parts, values, strict=True)
        return F.create_map([F.lit(item) for pair in pairs for item in pair])[F.col("expert")]

    firsts = [0, *itertools.accumulate(parts.values())][:-1]
    part = by_expert(firsts) + F.pmod(F.xxhash64("gif_id"), by_expert(parts.values()))
    keys = _partition_keys(embeddings_df, sum(parts.values()))
    parted_df = embeddings_df.select(*_COLUMNS, part.cast("int").alias("part"))
    return parted_df.repartition(len(keys), F.lit(keys)[F.col("part")])


def _partition_keys(df: DataFrame, num_partitions: int) -> list[int]:
    """For each partition a number that Spark's hash partitioning sends there: parts themselves would share some."""
    key = F.col("id").cast("int")
    numbers_df = df.sparkSession.range(0, 64 * num_partitions, 1, 1).select(
        key.alias("key"), F.pmod(F.hash(key), F.lit(num_partitions)).alias("partition")
    )
    found = {
        row["partition"]: row["key"] for row in numbers_df.groupBy("partition").agg(F.min("key").alias("key")).collect()
    }
    return [found.get(partition, partition) for partition in range(num_partitions)]


def _build_partition(
    batches: Iterable[pa.RecordBatch], config: NeighborsConfig, backends: dict[str, Backend], folder: str
) -> Iterator[pa.RecordBatch]:
    for part, slices in itertools.groupby(_runs(batches, "part"), key=lambda batch: batch["part"][0].as_py()):
        first = next(slices)
        expert = first["expert"][0].as_py()
        # a name of its own for each attempt: a retried or speculative task never mixes its files with another's
        uri = storage.join(folder, f"{expert}-{part:05d}-{uuid.uuid4().hex[:12]}")
        vectors = (_ids_and_vectors(batch) for batch in itertools.chain([first], slices))
        header = build_shard(vectors, config, backends[expert], uri, local_folder())
        yield pa.RecordBatch.from_pylist(
            [{"expert": expert, "uri": uri, "num_references": header.num_ids, "dimension": header.dimension}], SHARDS
        )


def _search_partition(
    batches: Iterable[pa.RecordBatch], shards: list[ShardRow], config: NeighborsConfig
) -> Iterator[pa.RecordBatch]:
    for expert, ids, vectors in _query_blocks(batches, config.k):
        uris = [shard.uri for shard in shards if shard.expert == expert]
        found = search_shards(uris, ids, vectors, config, local_folder())
        for start in range(0, len(ids), ROWS_PER_BATCH):
            yield _as_batch(expert, ids[start : start + ROWS_PER_BATCH], found, start)


def _as_batch(expert: str, ids: list[str], found: Neighbors, start: int) -> pa.RecordBatch:
    """NEIGHBORS of the queries `ids`, which stand from `start` on in `found`.

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
    return pa.RecordBatch.from_arrays(columns, schema=_NEIGHBORS)


def query_bytes(dimension: int, k: int) -> int:
    """What a search holds of one query: its vector, k neighbors so far and k of the shard that is being searched."""
    return dimension * 4 + 2 * k * CANDIDATE_BYTES


def _query_blocks(
    batches: Iterable[pa.RecordBatch], k: int
) -> Iterator[tuple[str, list[str], npt.NDArray[np.float32]]]:
    """The partition's queries, expert by expert, in blocks of about QUERY_BYTES."""
    for expert, slices in itertools.groupby(_runs(batches, "expert"), key=lambda batch: batch["expert"][0].as_py()):
        ids: list[str] = []
        waiting: list[npt.NDArray[np.float32]] = []
        for batch in slices:
            batch_ids, vectors = _ids_and_vectors(batch)
            if waiting and waiting[0].shape[1] != vectors.shape[1]:
                raise AutotagError(
                    f"embeddings of {expert} from {batch_ids[0]!r} on have {vectors.shape[1]} dimensions, "
                    f"others {waiting[0].shape[1]}"
                )
            ids += batch_ids
            waiting.append(vectors)
            if len(ids) * query_bytes(vectors.shape[1], k) >= QUERY_BYTES:
                yield expert, ids, np.concatenate(waiting)
                ids, waiting = [], []
        if ids:
            yield expert, ids, np.concatenate(waiting)


def _runs(batches: Iterable[pa.RecordBatch], column: str) -> Iterator[pa.RecordBatch]:
    """The batches, cut where the column's value changes; none is empty."""
    for batch in batches:
        if not batch.num_rows:
            continue
        values = batch[column]
        changes = pc.indices_nonzero(pc.not_equal(values[1:], values[:-1])).to_numpy() + 1
        edges = [0, *changes.tolist(), batch.num_rows]
        for start, end in itertools.pairwise(edges):
            yield batch.slice(start, end - start)


def _ids_and_vectors(batch: pa.RecordBatch) -> tuple[list[str], npt.NDArray[np.float32]]:
    """Ids and vectors (n, dimension); AutotagError names a GIF whose embedding is missing or of another length."""
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


def local_folder() -> Path:
    """Where this executor may keep files: Spark gives its workers its local folders and deletes them when it ends."""
    return Path(os.environ.get("SPARK_LOCAL_DIRS", tempfile.gettempdir()).split(",")[0]) / "autotag-shards"
