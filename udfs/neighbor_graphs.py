"""Embeddings in, nearest train GIFs out, by NN-descent: each expert's GIFs in one task or in overlapping cells."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import NeighborsConfig
from autotag_core.errors import AutotagError
from autotag_core.neighbors import find_centers, graph_neighbors, nearest_centers
from udfs.neighbor_rows import (
    COLUMNS,
    LISTS,
    as_batch,
    by_expert,
    first_parts,
    ids_and_vectors,
    lists_of,
    pairs,
    runs,
    spread,
)

SAMPLE = 16_384
"""Vectors from which cells are made, in the driver: 84 MB at 1,280 dimensions."""
ROWS_PER_BATCH = 4096
Centers = dict[str, npt.NDArray[np.float32]]


def search_graphs(
    embeddings_df: DataFrame, reference_ids_df: DataFrame, num_gifs: dict[str, int], config: NeighborsConfig
) -> DataFrame:
    """NEIGHBORS of these experts' rows among the GIFs of reference_ids_df, about as find_neighbors gives them.

    An expert of at most partition_size GIFs (num_gifs) is one task's; else its space is cut into cells of about that
    many, each GIF goes into those of its partition_overlap nearest centers, and what these find is merged.

    Cost: about 100 microseconds of a core for a GIF of 256 dimensions and k 10, in cells partition_overlap times that.
    Vectors are shuffled once (in cells partition_overlap times), and once more to the references' ids where Spark does
    not broadcast these. A task holds 2.2 partition_size x d x 4 bytes and computes in as many threads as it has cores.
    """
    marks_df = reference_ids_df.select("gif_id", F.lit(True).alias("is_reference")).distinct()
    embeddings_df = embeddings_df.where(F.col("expert").isin(list(num_gifs)))
    centers = {name: _centers(embeddings_df, name, count, config) for name, count in num_gifs.items()}
    marked_df = embeddings_df.select(*COLUMNS).join(marks_df, "gif_id", "left")
    firsts = first_parts({name: len(of) for name, of in centers.items()})
    if all(len(of) == 1 for of in centers.values()):
        parted_df = marked_df.withColumn("part", by_expert(firsts).cast("int"))
    else:
        schema = marked_df.withColumn("part", F.lit(0)).schema
        parted_df = marked_df.mapInArrow(functools.partial(_assign, centers, firsts, config.partition_overlap), schema)
    num_parts = sum(map(len, centers.values()))
    search = functools.partial(_search, config, _threads(embeddings_df, num_parts))
    found_df = spread(parted_df, num_parts).mapInArrow(search, from_arrow_schema(LISTS))
    return found_df if num_parts == len(centers) else _merged(found_df, config.k)


def _centers(embeddings_df: DataFrame, expert: str, num_gifs: int, config: NeighborsConfig) -> npt.NDArray[np.float32]:
    """Of the expert's cells (cells, dimension); the one of an expert that fits into one is no vector."""
    if num_gifs <= config.partition_size:
        return np.zeros((1, 0), np.float32)
    one_in = max(1, num_gifs // SAMPLE)
    drawn_df = embeddings_df.where((F.col("expert") == expert) & (F.pmod(F.xxhash64("gif_id"), F.lit(one_in)) == 0))
    drawn = drawn_df.select(*COLUMNS).limit(2 * SAMPLE).toArrow().combine_chunks().sort_by("gif_id")
    vectors = np.concatenate([ids_and_vectors(batch)[1] for batch in drawn.to_batches()])
    return find_centers(vectors, config.partition_size / num_gifs, config.partition_overlap)


def _threads(df: DataFrame, num_tasks: int) -> int:
    """Threads of a task: its cores, and on one machine also those for which there is no task."""
    context = df.sparkSession.sparkContext
    cores = int(context.getConf().get("spark.task.cpus", "1") or 1)
    if not str(context.master).startswith("local["):
        return cores
    return max(cores, context.defaultParallelism // num_tasks)


def _assign(
    centers: Centers, firsts: dict[str, int], overlap: int, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Each row once for each of its cells, with the cell's part."""
    for batch in batches:
        for rows in runs([batch], "expert"):
            expert = rows["expert"][0].as_py()
            if len(centers[expert]) == 1:
                cells = np.zeros((rows.num_rows, 1), np.int64)
            else:
                cells = nearest_centers(ids_and_vectors(rows)[1], centers[expert], overlap)
            for column in cells.T:
                part = pa.array(column + firsts[expert], pa.int32())
                yield pa.RecordBatch.from_arrays([*rows.columns, part], [*rows.schema.names, "part"])


def _search(config: NeighborsConfig, num_threads: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """NEIGHBORS of a partition, which is one expert's."""
    waiting = [batch for batch in batches if batch.num_rows]
    if not waiting:
        return
    expert = waiting[0]["expert"][0].as_py()
    ids, vectors, is_reference = _gather(waiting)
    found = graph_neighbors(ids, vectors, is_reference, config, num_threads)
    for start in range(0, len(ids), ROWS_PER_BATCH):
        yield as_batch(expert, ids[start : start + ROWS_PER_BATCH], found, start)


def _gather(waiting: list[pa.RecordBatch]) -> tuple[list[str], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """All rows in the order of gif_id; empties the list as it goes, so that the vectors are there twice at most."""
    ids: Any = pa.chunked_array([batch["gif_id"] for batch in waiting])
    order = pc.sort_indices(ids).to_numpy()
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    is_reference = np.zeros(len(order), np.bool_)
    vectors = np.empty((0, 0), np.float32)
    start = 0
    waiting.reverse()
    while waiting:
        batch = waiting.pop()
        batch_ids, here = ids_and_vectors(batch)
        if not start:
            vectors = np.empty((len(order), here.shape[1]), np.float32)
        if here.shape[1] != vectors.shape[1]:
            raise AutotagError(
                f"embeddings of {batch['expert'][0]} from {batch_ids[0]!r} on have {here.shape[1]} dimensions, "
                f"others {vectors.shape[1]}"
            )
        rows = places[start : start + len(here)]
        vectors[rows] = here
        is_reference[rows] = batch["is_reference"].fill_null(False).to_numpy(zero_copy_only=False)
        start += len(here)
    return ids.take(order).to_pylist(), vectors, is_reference


def _merged(found_df: DataFrame, k: int) -> DataFrame:
    """The k nearest of what a GIF's cells found: a pair's distance is the same in each."""
    both = F.flatten(F.collect_list(pairs()))
    nearest = F.slice(F.array_sort(F.array_distinct(both)), 1, k)
    merged_df = found_df.groupBy("gif_id", "expert").agg(nearest.alias("nearest"))
    return merged_df.select("gif_id", "expert", *lists_of(F.col("nearest")))
