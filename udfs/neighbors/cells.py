"""Coarse cells of experts' spaces: centers from a sample of embeddings, and the cells that each row goes into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.neighbors import find_centers, nearest_centers
from udfs.neighbors.rows import drawn_vectors, ids_and_vectors, runs

SAMPLE = 16_384
"""Vectors that cells are made from, in the driver: 84 MB at 1,280 dimensions."""
Centers = Mapping[str, npt.NDArray[np.float32]]
"""By expert: centers (cells, dimension)."""


def sample_centers(
    embeddings_df: DataFrame, expert: str, num_rows: int, max_share: float, overlap: int
) -> npt.NDArray[np.float32]:
    """Centers (cells, dimension) of cells of which none holds more than max_share of the expert's num_rows rows.

    Each row goes into `overlap` cells. Cost: about SAMPLE vectors, chosen by a hash of their ids, come to the driver.
    """
    drawn_df = drawn_vectors(embeddings_df, expert, num_rows, SAMPLE)
    drawn = drawn_df.limit(2 * SAMPLE).toArrow().combine_chunks().sort_by("gif_id")
    vectors = np.concatenate([ids_and_vectors(batch)[1] for batch in drawn.to_batches()])
    return find_centers(vectors, max_share, overlap)


def with_cells(rows_df: DataFrame, centers: Centers, firsts: Mapping[str, int], overlap: int) -> DataFrame:
    """Each row once for each of its `overlap` cells, with `part`: the cell's number. An expert's start at `firsts`."""

    def assign(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows in runs(batches, "expert"):
            expert = rows["expert"][0].as_py()
            cells = nearest_centers(ids_and_vectors(rows)[1], centers[expert], overlap)
            for column in cells.T:
                part = pa.array(column + firsts[expert], pa.int32())
                yield pa.RecordBatch.from_arrays([*rows.columns, part], [*rows.schema.names, "part"])

    return rows_df.mapInArrow(assign, rows_df.withColumn("part", F.lit(0)).schema)
