"""Embeddings in, nearest train GIFs out: shards built in executors, each query brought to all of them by one task."""

from __future__ import annotations

import functools
import itertools
import logging
import math
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core import storage
from autotag_core.config import NeighborsConfig
from autotag_core.errors import AutotagError
from autotag_core.experts.devices import choose_device
from autotag_core.neighbors import Backend, build_shard, choose_backend, num_shards, search_shards
from udfs.embeddings import gpus_per_task, task_gpus
from udfs.local_files import local_folder
from udfs.neighbor_graphs import search_graphs
from udfs.neighbor_rows import COLUMNS, LISTS, as_batch, by_expert, first_parts, ids_and_vectors, runs, spread

if TYPE_CHECKING:
    import torch

QUERY_BYTES = 256 * 1024 * 1024
"""Queries, with their vectors and candidates, that one task holds: it reads each shard once for them, so more of them
is less reading."""
CANDIDATE_BYTES = 64
"""One candidate while lists are merged: distance, pointer to its id, query and positions in sorting orders."""
MIN_QUERIES = 256
"""No query partition is made smaller than this for the sake of more tasks."""
ROWS_PER_BATCH = 4096
GPU_GAIN = 10
"""An assumption, not measured: of the order of a GPU's float32 products against a core's, per task and second."""

_log = logging.getLogger(__name__)

SHARDS = pa.schema(
    [
        pa.field("expert", pa.string()),
        pa.field("uri", pa.string()),
        pa.field("num_references", pa.int64()),
        pa.field("dimension", pa.int32()),
    ]
)


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

    Nearest first, ties by gif_id, never the GIF itself; a GIF whose expert has no reference gets empty lists.
    embeddings_df is read several times: give it a table, not a plan. Experts whose backend is nndescent are searched as
    search_graphs says. For the others, shards are built at once, under `folder` (local or s3a), by the tasks of one
    Spark job; the search runs when the result is written and needs them until then: the caller deletes the folder.

    Cost for Q queries, N references, dimension d, P = ceil(N / shard_size) shards. exact: 2 Q N d operations.
    nmslib: a build of about N log(shard_size) and Q P searches, so it grows with P: few and large shards. Each vector
    is shuffled once as a query and once as a reference; every search task reads every shard of its expert, from its
    host's disk. Memory of a task: a build streams (exact), or holds 2 x shard_size x d x 4 bytes, its links and ids
    (nmslib: 2.7 GB at 250,000 x 1280); a search holds about 2 QUERY_BYTES, whatever d, k and P are, and one shard
    (exact: mapped, shared by the host's tasks; nmslib: shard_size x (d x 4 + 8 M + 16) bytes). Disk of a host: all
    shards, where they come from S3.
    """
    sizes = expert_sizes(embeddings_df, reference_ids_df)
    config = _for_hardware(embeddings_df, config)
    graphs = {name: size.num_queries for name, size in sizes.items() if _is_graph(config, name, size)}
    parts = []
    if graphs:
        parts.append(search_graphs(embeddings_df, reference_ids_df, graphs, config))
    others = {name: size for name, size in sizes.items() if name not in graphs}
    if others or not graphs:
        queries_df = embeddings_df.where(F.col("expert").isin(list(others))) if graphs else embeddings_df
        references_df = queries_df.join(reference_ids_df.select("gif_id"), "gif_id", "left_semi")
        shards = build_shards(references_df, others, config, folder)
        parts.append(search_queries(queries_df, others, shards, config))
    return functools.reduce(DataFrame.unionByName, parts)


def _for_hardware(df: DataFrame, config: NeighborsConfig) -> NeighborsConfig:
    """Where Spark gives tasks a GPU, exact search pays for GPU_GAIN times as many GIFs."""
    has_gpu = gpus_per_task(df.sparkSession) > 0
    return config.model_copy(update={"exact_below": GPU_GAIN * config.exact_below}) if has_gpu else config


def _is_graph(config: NeighborsConfig, expert: str, size: ExpertSize) -> bool:
    """Whether all GIFs of the expert are searched for at once, by NN-descent; the log has the reason."""
    is_large = config.backend == "auto" and choose_backend(config, size.num_references, size.num_queries) != "exact"
    if is_large or config.backend == "nndescent":
        reason = f"more than neighbors.exact_below={config.exact_below}" if is_large else "neighbors.backend says so"
        _log.info("neighbors of %s: nndescent over %d GIFs, %d references: %s", expert, *astuple(size), reason)
    return is_large or config.backend == "nndescent"


def expert_sizes(embeddings_df: DataFrame, reference_ids_df: DataFrame) -> dict[str, ExpertSize]:
    """Queries and references of each expert, by name; reads no vector."""
    keys_df = embeddings_df.select("gif_id", "expert")
    references_df = keys_df.join(reference_ids_df.select("gif_id"), "gif_id", "left_semi")
    rows_df = keys_df.select("expert", F.lit(0).alias("reference")).union(references_df.select("expert", F.lit(1)))
    is_reference = F.col("reference") == 1
    counts = rows_df.groupBy("expert").agg(
        F.count_if(~is_reference).alias("queries"), F.count_if(is_reference).alias("references")
    )
    found = {row["expert"]: ExpertSize(row["queries"], row["references"]) for row in counts.collect()}
    return dict(sorted(found.items()))


def build_shards(
    references_df: DataFrame, sizes: dict[str, ExpertSize], config: NeighborsConfig, folder: str
) -> list[ShardRow]:
    """Write every expert's reference as shards under the folder, each by one task; a GIF's shard is its id's hash."""
    parts = {expert: num_shards(config, size.num_references) for expert, size in sizes.items() if size.num_references}
    if not parts:
        return []
    backends = {name: choose_backend(config, sizes[name].num_references, sizes[name].num_queries) for name in parts}
    for expert, backend in backends.items():
        queries, references = astuple(sizes[expert])
        chosen = (
            "neighbors.backend says so" if config.backend == backend else f"neighbors.exact_below={config.exact_below}"
        )
        _log.info(
            "neighbors of %s: %s, %d GIFs among %d references in %d shards: %s",
            *(expert, backend, queries, references, parts[expert], chosen),
        )

    def build_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _build_partition(batches, config, backends, folder)

    # sorted by Spark, which can spill, so that Python streams; the order makes an index repeatable
    sorted_df = _by_hash(references_df, parts).sortWithinPartitions("part", "gif_id")
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

    spread_df = _by_hash(embeddings_df, parts) if parts else embeddings_df.select(COLUMNS)
    return spread_df.mapInArrow(search_partition, from_arrow_schema(LISTS))


def _by_hash(embeddings_df: DataFrame, parts: dict[str, int]) -> DataFrame:
    """(gif_id, expert, embedding, part): each expert cut into so many parts by a hash of gif_id, each a partition."""
    part = by_expert(first_parts(parts)) + F.pmod(F.xxhash64("gif_id"), by_expert(parts))
    return spread(embeddings_df.select(*COLUMNS, part.cast("int").alias("part")), sum(parts.values()))


def _build_partition(
    batches: Iterable[pa.RecordBatch], config: NeighborsConfig, backends: dict[str, Backend], folder: str
) -> Iterator[pa.RecordBatch]:
    for part, slices in itertools.groupby(runs(batches, "part"), key=lambda batch: batch["part"][0].as_py()):
        first = next(slices)
        expert = first["expert"][0].as_py()
        # a name of its own for each attempt: a retried or speculative task never mixes its files with another's
        uri = storage.join(folder, f"{expert}-{part:05d}-{uuid.uuid4().hex[:12]}")
        vectors = (ids_and_vectors(batch) for batch in itertools.chain([first], slices))
        header = build_shard(vectors, config, backends[expert], uri, local_folder())
        yield pa.RecordBatch.from_pylist(
            [{"expert": expert, "uri": uri, "num_references": header.num_ids, "dimension": header.dimension}], SHARDS
        )


def _search_partition(
    batches: Iterable[pa.RecordBatch], shards: list[ShardRow], config: NeighborsConfig
) -> Iterator[pa.RecordBatch]:
    device = search_device()
    for expert, ids, vectors, _ in query_blocks(batches, config.k):
        uris = [shard.uri for shard in shards if shard.expert == expert]
        found = search_shards(uris, ids, vectors, config, local_folder(), device)
        for start in range(0, len(ids), ROWS_PER_BATCH):
            yield as_batch(expert, ids[start : start + ROWS_PER_BATCH], found, start)


def search_device() -> torch.device | None:
    """The GPU that Spark gave the task; None: it gave none, or CUDA sees none."""
    addresses = task_gpus()
    device = choose_device("auto", addresses) if addresses else None
    return device if device is not None and device.type == "cuda" else None


def query_bytes(dimension: int, k: int) -> int:
    """What a search holds of one query: its vector, k neighbors so far and k of the shard that is being searched."""
    return dimension * 4 + 2 * k * CANDIDATE_BYTES


def query_blocks(
    batches: Iterable[pa.RecordBatch], k: int, number: str | None = None
) -> Iterator[tuple[str, list[str], npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """The partition's queries, expert by expert, in blocks of about QUERY_BYTES: expert, ids, vectors (n, dimension),
    and the column `number` (n,), if it is named.
    """
    for expert, slices in itertools.groupby(runs(batches, "expert"), key=lambda batch: batch["expert"][0].as_py()):
        ids: list[str] = []
        waiting: list[npt.NDArray[np.float32]] = []
        numbers: list[npt.NDArray[np.float32]] = []
        for batch in slices:
            batch_ids, vectors = ids_and_vectors(batch)
            if waiting and waiting[0].shape[1] != vectors.shape[1]:
                raise AutotagError(
                    f"embeddings of {expert} from {batch_ids[0]!r} on have {vectors.shape[1]} dimensions, "
                    f"others {waiting[0].shape[1]}"
                )
            ids += batch_ids
            waiting.append(vectors)
            numbers.append(batch[number].to_numpy() if number else np.empty(0, np.float32))
            if len(ids) * query_bytes(vectors.shape[1], k) >= QUERY_BYTES:
                yield expert, ids, np.concatenate(waiting), np.concatenate(numbers)
                ids, waiting, numbers = [], [], []
        if ids:
            yield expert, ids, np.concatenate(waiting), np.concatenate(numbers)
