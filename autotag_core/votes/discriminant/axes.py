"""The axes of linear discriminant analysis: an expert's vectors, turned and scaled so that all directions vary alike.

Loading this needs neither scipy nor numba.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autotag_core.storage.arrays import open_arrays, write_arrays

Floats32 = npt.NDArray[np.float32]

NUM_AXES = 256
RIDGE = 3.0
"""Added to each axis' variance, in mean variances: the last axes hold noise. With 0.3 to 10, catalogs of the kinds of
benchmarks/quality.py gained as much to a fifth less. No command prints that."""
STEPS = 32
"""A look is stored as whole numbers of 1 / STEPS, in a byte. So sums of looks are exact in any order."""
FEWEST_GIFS, MOST_FITTED = 100, 20_000
"""Below FEWEST_GIFS vectors there are no axes. They are fitted to about MOST_FITTED."""


def write_axes(batches: Iterable[pa.RecordBatch], folder: str, workspace: Path) -> str:
    """Write the axes of vectors (gif_id, embedding), in any order, to a file in the folder; gives its URI.

    Gives "" for fewer than FEWEST_GIFS vectors, and where all are equal. Memory: the vectors twice.
    """
    from scipy.linalg import eigh

    rows = pa.Table.from_batches(batches) if (batches := list(batches)) else None
    if rows is None or len(rows) < FEWEST_GIFS:
        return ""
    vectors = unit_vectors(rows.sort_by("gif_id")["embedding"]).astype(np.float64)
    center = vectors.mean(axis=0)
    vectors -= center
    num, width = vectors.shape
    num_axes = min(NUM_AXES, width, num - 1)
    variances, axes = eigh(vectors.T @ vectors / num, subset_by_index=(width - num_axes, width - 1))
    variances = np.maximum(variances, 0.0)
    if variances.mean() < 1e-12:
        return ""
    axes = axes / np.sqrt(variances + RIDGE * variances.mean())
    columns = {"center": center.astype(np.float32), "axes": axes.astype(np.float32).ravel()}
    return write_arrays(columns, folder, workspace)


def looks_of(embeddings: pa.Array | pa.ChunkedArray, axes: str, workspace: Path) -> npt.NDArray[np.int8]:
    """The looks (n, axes) of vectors: along each axis, in whole numbers of 1 / STEPS."""
    known = open_arrays(axes, workspace)
    center = known["center"].to_numpy()
    turned = (unit_vectors(embeddings) - center) @ known["axes"].to_numpy().reshape(len(center), -1)
    return np.clip(np.rint(turned * STEPS), -127, 127).astype(np.int8)


def unit_vectors(embeddings: Any) -> Floats32:
    """Vectors (n, width) of length 1, from lists of one width; a vector of zeros stays."""
    lists = embeddings.combine_chunks() if isinstance(embeddings, pa.ChunkedArray) else embeddings
    vectors = lists.flatten().to_numpy(zero_copy_only=False).astype(np.float32).reshape(len(lists), -1)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def as_bytes(rows: npt.NDArray[Any]) -> pa.BinaryArray:
    """The column of rows (n, width), each as its bytes."""
    return pa.array([row.tobytes() for row in rows], pa.binary())


def stacked(column: pa.BinaryArray, dtype: type[np.generic]) -> npt.NDArray[Any]:
    """The rows (n, width) of a column that as_bytes made; none is null."""
    return np.frombuffer(b"".join(column.to_pylist()), dtype).reshape(len(column), -1)
