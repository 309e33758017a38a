"""Embeddings in, nearest train GIFs out, by NN-descent: each expert's GIFs in one task or in overlapping cells."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
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
from autotag_core.neighbors import graph_neighbors
from udfs.neighbors.cells import Centers, sample_centers, with_cells
from udfs.neighbors.rows import COLUMNS, LISTS, as_batch, first_parts, ids_and_vectors, lists_of, pairs, spread

ROWS_PER_BATCH = 4096
_Rows = tuple[pa.StringArray, npt.NDArray[np.float32], npt.NDArray[np.bool_]]
"""Ids, vectors (n, dimension), and which are references."""


def search_graphs(
    embeddings_df: DataFrame, reference_ids_df: DataFrame, num_gifs: dict[str, int], config: NeighborsConfig
) -> DataFrame:
    """NEIGHBORS of these experts' rows among the GIFs of reference_ids_df, about as find_neighbors gives them.

    An expert of at most partition_size GIFs (num_gifs) takes one task. Otherwise its space is cut into cells of about
    that many GIFs. Each GIF goes into the cells of its partition_overlap nearest centers; the cells' results are
    merged.

    Cost: about 50 microseconds of a core for a GIF of 256 dimensions and k 10; in cells partition_overlap times that.
    One task reads its rows itself, without a shuffle. Into cells, vectors are shuffled partition_overlap times, and
    once more to the references' ids where Spark does not broadcast these. A task holds 2.2 partition_size x d x 4 bytes
    and computes in as many threads as it has cores.
    """
    marks_df = reference_ids_df.select("gif_id", F.lit(True).alias("is_reference"))
    embeddings_df = embeddings_df.where(F.col("expert").isin(list(num_gifs))).select(*COLUMNS)
    whole = [name for name, count in num_gifs.items() if count <= config.partition_size]
    centers = {
        name: sample_centers(embeddings_df, name, count, config.partition_size / count, config.partition_overlap)
        for name, count in num_gifs.items()
        if name not in whole
    }
    num_tasks = len(whole) + sum(map(len, centers.values()))
    search = functools.partial(_search, config, _threads(embeddings_df, num_tasks))
    parts = []
    if whole:
        together = [_together(embeddings_df.where(F.col("expert") == name), marks_df) for name in whole]
        rows_df = functools.reduce(DataFrame.union, together)
        parts.append(rows_df.mapInArrow(search, from_arrow_schema(LISTS)))
    if centers:
        cells_df = _in_cells(embeddings_df.where(F.col("expert").isin(list(centers))), marks_df, centers, config)
        parts.append(_merged(cells_df.mapInArrow(search, from_arrow_schema(LISTS)), config.k))
    return functools.reduce(DataFrame.unionByName, parts)


def _together(embeddings_df: DataFrame, marks_df: DataFrame) -> DataFrame:
    """An expert's rows in one partition, with the ids of all references beside them, as rows without an expert."""
    none_df = marks_df.select(
        "gif_id",
        F.lit(None).cast("string").alias("expert"),
        F.lit(None).cast("array<float>").alias("embedding"),
        "is_reference",
    )
    return embeddings_df.withColumn("is_reference", F.lit(False)).union(none_df).coalesce(1)


def _in_cells(embeddings_df: DataFrame, marks_df: DataFrame, centers: Centers, config: NeighborsConfig) -> DataFrame:
    """Experts' rows, each in the partitions of its cells."""
    marked_df = embeddings_df.join(marks_df.distinct(), "gif_id", "left")
    firsts = first_parts({name: len(of) for name, of in centers.items()})
    return spread(with_cells(marked_df, centers, firsts, config.partition_overlap), sum(map(len, centers.values())))


def _threads(df: DataFrame, num_tasks: int) -> int:
    """Threads of a task: its cores and, on one machine, also the cores for which there is no task."""
    context = df.sparkSession.sparkContext
    cores = int(context.getConf().get("spark.task.cpus", "1") or 1)
    if not str(context.master).startswith("local["):
        return cores
    return max(cores, context.defaultParallelism // num_tasks)


def _search(config: NeighborsConfig, num_threads: int, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """NEIGHBORS of a partition, which is one expert's. A row without an expert names a reference."""
    rows: list[_Rows] = []
    names: list[pa.StringArray] = []
    expert = ""
    for batch in batches:
        is_name = batch["expert"].is_null()
        names.append(batch.filter(is_name)["gif_id"])
        gifs = batch.filter(pc.invert(is_name)) if len(names[-1]) else batch
        if gifs.num_rows:  # handled while Spark reads the next ones
            expert = gifs["expert"][0].as_py()
            flags = gifs["is_reference"].fill_null(False).to_numpy(zero_copy_only=False)
            rows.append((gifs["gif_id"], ids_and_vectors(gifs)[1], flags))
    if not rows:
        return
    ids, vectors, is_reference = _in_order(expert, rows, num_threads)
    is_reference |= pc.is_in(ids, pa.concat_arrays(names)).to_numpy(zero_copy_only=False)
    gif_ids = ids.to_pylist()
    found = graph_neighbors(gif_ids, vectors, is_reference, config, num_threads)
    for start in range(0, len(gif_ids), ROWS_PER_BATCH):
        yield as_batch(expert, gif_ids[start : start + ROWS_PER_BATCH], found, start)


def _in_order(
    expert: str, rows: list[_Rows], num_threads: int
) -> tuple[pa.Array, npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """All rows in the order of gif_id. The list is emptied on the way, so vectors are there twice at most."""
    ids: Any = pa.concat_arrays([part for part, _, _ in rows])
    dimension = rows[0][1].shape[1]
    for part, vectors, _ in rows:
        if vectors.shape[1] != dimension:
            raise AutotagError(
                f"embeddings of {expert} from {part[0].as_py()!r} on have {vectors.shape[1]} dimensions, "
                f"others {dimension}"
            )
    order = pc.sort_indices(ids).to_numpy()
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    all_vectors, is_reference = np.empty((len(order), dimension), np.float32), np.empty(len(order), np.bool_)
    ends = np.cumsum([len(part) for part, _, _ in rows]).tolist()
    waiting = dict(zip(ends, rows, strict=True))
    rows.clear()

    def put(end: int) -> None:
        part, vectors, flags = waiting.pop(end)
        here = places[end - len(part) : end]
        all_vectors[here], is_reference[here] = vectors, flags

    with ThreadPoolExecutor(num_threads) as pool:
        list(pool.map(put, ends))
    return ids.take(pa.array(order)), all_vectors, is_reference


def _merged(found_df: DataFrame, k: int) -> DataFrame:
    """The k nearest of what a GIF's cells found. A pair has the same distance in each cell."""
    both = F.flatten(F.collect_list(pairs()))
    nearest = F.slice(F.array_sort(F.array_distinct(both)), 1, k)
    merged_df = found_df.groupBy("gif_id", "expert").agg(nearest.alias("nearest"))
    return merged_df.select("gif_id", "expert", *lists_of(F.col("nearest")))
