"""Cosine distances that are the same bits on every machine, and the ranking that both backends share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autotag_core.errors import AutotagError

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Strings = npt.NDArray[np.object_]

UNIT_TOLERANCE = 1e-5
"""How far the squared norm of an L2-normalised float32 vector may be from 1."""
_CHUNK_ELEMENTS = 1 << 17
"""float64 numbers that are worked on at once: 1 MiB, which stays in the cache."""


@dataclass(frozen=True)
class Pairs:
    """Some query rows paired with some reference rows, sorted by (query, distance, row)."""

    query: Integers
    row: Integers
    distance: Floats


@dataclass(frozen=True)
class Neighbors:
    """The neighbors of query i are the slices offsets[i]:offsets[i + 1], nearest first, ties by gif_id."""

    offsets: Integers  # (queries + 1,)
    neighbor_ids: Strings
    distances: Floats

    def of(self, query: int) -> tuple[list[str], list[float]]:
        """Ids and distances of one query."""
        here = slice(self.offsets[query], self.offsets[query + 1])
        return self.neighbor_ids[here].tolist(), self.distances[here].tolist()

    def some(self, rows: Integers) -> Neighbors:
        """The lists of the queries `rows` only."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        pair = np.arange(offsets[-1]) + np.repeat(self.offsets[rows] - offsets[:-1], lengths)
        return Neighbors(offsets, self.neighbor_ids[pair], self.distances[pair])

    def of_some(self, rows: Integers, num_queries: int) -> Neighbors:
        """The same lists, as those of the queries `rows` (ascending) of num_queries; the other lists are empty."""
        lengths = np.zeros(num_queries + 1, np.int64)
        lengths[rows + 1] = np.diff(self.offsets)
        return Neighbors(np.cumsum(lengths), self.neighbor_ids, self.distances)


def squared_norms(ids: Sequence[str] | Strings, vectors: Floats) -> Doubles:
    """Squared norm of each row in float64. AutotagError names the first GIF whose vector is not finite or not unit."""
    check_shapes(ids, vectors)
    rows = np.arange(len(vectors))
    norms = _dots(vectors, rows, vectors, rows)
    check_norms(ids, norms)
    return norms


def check_shapes(ids: Sequence[str] | Strings, vectors: Floats) -> None:
    """AutotagError where these are not float32 vectors, one for each id."""
    if vectors.ndim != 2 or vectors.dtype != np.float32 or (len(vectors) and vectors.shape[1] == 0):
        raise AutotagError(
            f"embeddings are {vectors.dtype} of shape {vectors.shape}; they must be float32 (n, dimension)"
        )
    if len(ids) != len(vectors):
        raise AutotagError(f"there are {len(ids)} ids for {len(vectors)} embeddings")


def check_norms(ids: Sequence[str] | Strings, norms: Doubles) -> None:
    """AutotagError names the first GIF whose vector is not finite or not of unit length."""
    wrong = np.flatnonzero(~(np.abs(norms - 1) <= UNIT_TOLERANCE))  # also true for NaN
    if len(wrong):
        first = wrong[0]
        what = f"length {np.sqrt(norms[first]):.6g}" if np.isfinite(norms[first]) else "numbers that are not finite"
        raise AutotagError(f"the embedding of {ids[first]!r} has {what}; embeddings must be L2-normalised")


def rank_pairs(query: Integers, row: Integers, distance: Floats, count: int) -> Pairs:
    """The first `count` pairs of each query by (distance, row)."""
    order = np.lexsort((row, distance, query))
    order = order[position_in_group(query[order]) < count]
    return Pairs(query[order], row[order], distance[order])


def position_in_group(sorted_groups: Integers) -> Integers:
    """0, 1, 2, ... within each run of equal numbers."""
    position = np.arange(len(sorted_groups))
    starts = np.flatnonzero(np.diff(sorted_groups, prepend=-1))
    return position - np.repeat(starts, np.diff(starts, append=len(sorted_groups)))


def no_neighbors(num_queries: int) -> Neighbors:
    """An empty list for each query."""
    return Neighbors(np.zeros(num_queries + 1, np.int64), np.empty(0, object), np.empty(0, np.float32))


def merged(left: Neighbors, right: Neighbors, k: int) -> Neighbors:
    """The k nearest of each query over both, ties by gif_id. No id may be in both.

    Memory: both and about 60 bytes a pair.
    """
    num_queries = len(left.offsets) - 1
    query = np.concatenate([np.repeat(np.arange(num_queries), np.diff(part.offsets)) for part in (left, right)])
    ids = np.concatenate([left.neighbor_ids, right.neighbor_ids])
    distances = np.concatenate([left.distances, right.distances])
    order = _order(query, distances, ids)
    order = order[position_in_group(query[order]) < k]
    counts = np.bincount(query[order], minlength=num_queries)
    return Neighbors(np.concatenate([[0], np.cumsum(counts)]), ids[order], distances[order])


def _order(query: Integers, distances: Floats, ids: Strings) -> Integers:
    """The order by (query, distance, id). Ids are compared only where the numbers are equal."""
    order = np.lexsort((distances, query))
    same = np.diff(query[order]) == 0
    same &= np.diff(distances[order]) == 0
    run = np.cumsum(np.concatenate([[True], ~same]))[: len(order)]  # cut, since no pairs make no run
    tied = np.flatnonzero(np.bincount(run)[run] > 1)
    rank = np.unique(ids[order[tied]], return_inverse=True)[1]
    order[tied] = order[tied][np.lexsort((rank, run[tied]))]
    return order


@dataclass(frozen=True)
class PairDistances:
    """1 - cosine of pairs of rows: dot / sqrt(|q|^2 |r|^2) in float64, kept to 0..2, rounded to float32.

    The product of two float32 is exact in float64, and the dimension alone fixes the order of the sum. So a pair's
    distance does not depend on what else is computed with it. Equal vectors have distance 0, since sqrt(s * s) is s in
    IEEE arithmetic.
    """

    queries: Floats  # (queries, dimension)
    query_norms: Doubles  # squared
    vectors: Floats  # (references, dimension), may be a memory map
    vector_norms: Doubles  # squared

    def of(self, query: Integers, row: Integers) -> Floats:
        """Distance of each pair (query[i], row[i])."""
        dots = _dots(self.queries, query, self.vectors, row)
        cosines = dots / np.sqrt(self.query_norms[query] * self.vector_norms[row])
        return np.clip(1 - cosines, 0, 2).astype(np.float32)


def _dots(left: Floats, left_rows: Integers, right: Floats, right_rows: Integers) -> Doubles:
    """Dot products of left[left_rows[i]] and right[right_rows[i]] in float64."""
    dimension = left.shape[1]
    chunk = max(1, _CHUNK_ELEMENTS // max(1, dimension))
    dots = np.empty(len(left_rows))
    for start in range(0, len(dots), chunk):
        here = slice(start, start + chunk)
        products = left[left_rows[here]].astype(np.float64)  # (chunk, dimension)
        products *= right[right_rows[here]]
        dots[here] = sum_in_halves(products)
    return dots


def sum_in_halves(products: Doubles) -> Doubles:
    """Row sums, by adding the second half of the columns to the first until one is left. Overwrites its input.

    numpy's own sums choose their order by memory layout and vector width.
    """
    width = products.shape[1]
    while width > 1:
        half = (width + 1) // 2
        products[:, : width - half] += products[:, half:width]
        width = half
    return products[:, 0]
