"""References in, index shards out, each built by one task; queries in, nearest GIFs out, each found by one task that
searches its shards."""

from __future__ import annotations

import functools
import itertools
import logging
import math
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import astuple
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
from autotag_core.neighbors import (
    Backend,
    Neighbors,
    ShardSet,
    build_shard,
    choose_backend,
    num_shards,
    search_shards,
)
from autotag_core.neighbors.distances import merged, no_neighbors
from udfs.embeddings.frames import task_gpus
from udfs.neighbors.rows import COLUMNS, LISTS, as_batch, by_expert, first_parts, ids_and_vectors, runs, spread
from udfs.tasks.local_folder import local_folder

if TYPE_CHECKING:
    import torch
from udfs.neighbors.shard_rows import SHARDS, ExpertSize, ShardFolders, ShardRow

QUERY_BYTES = 256 * 1024 * 1024
"""Bytes of queries, with their vectors and candidates, that one task holds. It reads each shard once for all of them,
so more queries mean less reading."""
CANDIDATE_BYTES = 64
"""One candidate while lists are merged: distance, pointer to its id, query and positions in sorting orders."""
MIN_QUERIES = 256
"""Query partitions are never made smaller than this to get more tasks."""
ROWS_PER_BATCH = 4096

_log = logging.getLogger(__name__)


def build_shards(
    references_df: DataFrame,
    sizes: dict[str, ExpertSize],
    config: NeighborsConfig,
    folders: ShardFolders,
    reason: str = "",
) -> list[ShardRow]:
    """Write every expert's reference as shards into the folders, each by one task. The log has the reason for the
    backend, by default the setting that it follows from.

    The hash of a GIF's id gives its shard.
    """
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
            *(expert, backend, queries, references, parts[expert], reason or chosen),
        )

    places = {name: (backend, folders.of(backend)) for name, backend in backends.items()}

    def build_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _build_partition(batches, config, places)

    # Spark sorts, since it can spill; so Python can stream. The order makes an index repeatable.
    sorted_df = _in_parts(references_df, parts).sortWithinPartitions("part", "gif_id")
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

    spread_df = _in_parts(embeddings_df, parts) if parts else embeddings_df.select(COLUMNS)
    return spread_df.mapInArrow(search_partition, from_arrow_schema(LISTS))


def _in_parts(embeddings_df: DataFrame, parts: dict[str, int]) -> DataFrame:
    """(gif_id, expert, embedding, part): each expert cut into `parts` parts, each a partition, by a hash of gif_id."""
    part = by_expert(first_parts(parts)) + F.pmod(F.xxhash64("gif_id"), by_expert(parts))
    return spread(embeddings_df.select(*COLUMNS).withColumn("part", part.cast("int")), sum(parts.values()))


def _build_partition(
    batches: Iterable[pa.RecordBatch], config: NeighborsConfig, places: dict[str, tuple[Backend, str]]
) -> Iterator[pa.RecordBatch]:
    for part, slices in itertools.groupby(runs(batches, "part"), key=lambda batch: batch["part"][0].as_py()):
        first = next(slices)
        expert = first["expert"][0].as_py()
        backend, folder = places[expert]
        # each attempt has a name of its own, so a retried or speculative task never mixes its files with another's
        uri = storage.join(folder, f"{expert}-{part:05d}-{uuid.uuid4().hex[:12]}")
        vectors = (ids_and_vectors(batch) for batch in itertools.chain([first], slices))
        header = build_shard(vectors, config, backend, uri, local_folder())
        yield pa.RecordBatch.from_pylist(
            [
                {
                    "expert": expert,
                    "uri": uri,
                    "num_references": header.num_ids,
                    "dimension": header.dimension,
                    "part": part,
                }
            ],
            SHARDS,
        )


def _search_partition(
    batches: Iterable[pa.RecordBatch], shards: list[ShardRow], config: NeighborsConfig
) -> Iterator[pa.RecordBatch]:
    device = search_device()
    for expert, ids, vectors, _ in query_blocks(batches, config.k):
        found = _search([shard for shard in shards if shard.expert == expert], ids, vectors, config, device)
        for start in range(0, len(ids), ROWS_PER_BATCH):
            yield as_batch(expert, ids[start : start + ROWS_PER_BATCH], found, start)


def _search(
    shards: list[ShardRow],
    ids: list[str],
    vectors: npt.NDArray[np.float32],
    config: NeighborsConfig,
    device: torch.device | None,
) -> Neighbors:
    """The k nearest of each GIF. Shards built at one time either all have lost ids or none has."""
    parts = []
    for alike in ([shard for shard in shards if (shard.lost is None) == is_new] for is_new in (True, False)):
        if not alike:
            continue
        together = ShardSet([shard.uri for shard in alike], alike[0].lost)
        parts.append(search_shards(together, ids, vectors, config, local_folder(), device))
    return functools.reduce(lambda left, right: merged(left, right, config.k), parts or [no_neighbors(len(ids))])


def search_device() -> torch.device | None:
    """The GPU that Spark gave the task. None: it gave none, or CUDA sees none."""
    addresses = task_gpus()
    device = choose_device("auto", addresses) if addresses else None
    return device if device is not None and device.type == "cuda" else None


def query_bytes(dimension: int, k: int) -> int:
    """Bytes that a search holds for one query: its vector, k neighbors so far and k of the shard being searched."""
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
