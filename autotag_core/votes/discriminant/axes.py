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

Floats = npt.NDArray[np.float64]

NUM_AXES = 256
RIDGE = 3.0
"""Added to each axis' variance, in mean variances: the last axes hold noise. With 0.3 to 10, catalogs of the kinds of
benchmarks/quality.py gained as much to a fifth less. No command prints that."""
STEPS = 32
"""A look is stored as whole numbers of 1 / STEPS, in a byte. So sums of looks are the same in any order."""
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
    vectors = _vectors(rows.sort_by("gif_id")["embedding"].combine_chunks())
    vectors = vectors / _lengths(vectors)
    center = vectors.mean(axis=0)
    vectors -= center
    num, width = vectors.shape
    num_axes = min(NUM_AXES, width, num - 1)
    variances, axes = eigh(vectors.T @ vectors / num, subset_by_index=(width - num_axes, width - 1))
    variances = np.maximum(variances, 0.0)
    if variances.mean() < 1e-12:
        return ""
    axes = axes / np.sqrt(variances + RIDGE * variances.mean())
    return write_arrays({"center": center, "axes": axes.ravel()}, folder, workspace)


def looks_of(embeddings: pa.Array, axes: str, workspace: Path) -> npt.NDArray[np.int8]:
    """The looks (n, axes) of vectors: along each axis, in whole numbers of 1 / STEPS."""
    known = open_arrays(axes, workspace)
    center = known["center"].to_numpy()
    turn = known["axes"].to_numpy().reshape(len(center), -1)
    vectors = _vectors(embeddings)
    turned = (vectors @ turn) / _lengths(vectors) - center @ turn
    return np.clip(np.rint(turned * STEPS), -127, 127).astype(np.int8)


def packed(rows: npt.NDArray[Any]) -> pa.BinaryArray:
    """The column of rows (n, width), each as its bytes."""
    offsets = np.arange(len(rows) + 1, dtype=np.int32) * (rows.shape[1] * rows.itemsize)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(rows))]
    return pa.Array.from_buffers(pa.binary(), len(rows), buffers)


def unpacked(column: pa.BinaryArray, dtype: type[np.generic]) -> npt.NDArray[Any]:
    """The rows (n, width) of a column that `packed` made, where Arrow holds them; none is null."""
    _, offsets, data = column.buffers()
    starts = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    return np.frombuffer(data, np.uint8)[starts[0] : starts[-1]].view(dtype).reshape(len(column), -1)


def _vectors(embeddings: Any) -> Floats:
    """Vectors (n, width), from lists of one width. They are doubles, so that looks depend on no batch's size."""
    values = embeddings.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(values, np.float64).reshape(len(embeddings), -1)


def _lengths(vectors: Floats) -> Floats:
    """The length (n, 1) of each vector, at least 1e-12."""
    return np.asarray(np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float64)
