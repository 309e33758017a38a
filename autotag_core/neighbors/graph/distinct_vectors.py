"""GIFs that are both queries and references, by their distinct vectors."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autotag_core.errors import AutotagError
from autotag_core.neighbors.distances import (
    Doubles,
    Floats,
    Integers,
    Strings,
    check_norms,
    check_shapes,
    position_in_group,
)
from autotag_core.neighbors.graph.graph import Graph

_BLOCK = 4096


@dataclass(frozen=True)
class GifRows:
    """GIFs in ascending order of gif_id. Their distinct vectors are the rows, in the order of their smallest ids.

    Of the references that share a row, only those with the smallest ids can be neighbors. They are the row's members.
    """

    vectors: Floats  # (rows, dimension)
    norms: Doubles  # (rows,) squared
    rows: Integers  # (GIFs,)
    own: Integers  # (GIFs,) which member a GIF is; -1: none
    members: Integers  # (members,) the GIFs that they are
    starts: Integers  # (rows + 1,)
    row_members: Integers  # (members,) those of row r are at starts[r]:starts[r + 1]

    def nearest(self, graph: Graph, k: int, num_threads: int) -> tuple[Graph, Floats, Integers]:
        """Members (GIFs, k), nearest first, distances (GIFs, k), and how many of the k each GIF has."""
        from autotag_core.neighbors.shards import exact_loops

        num_gifs = len(self.rows)
        found = np.empty((num_gifs, k), np.int32), np.empty((num_gifs, k), np.float32), np.empty(num_gifs, np.int64)
        gifs, members = (self.rows, self.own), (self.starts, self.row_members)
        in_threads(
            lambda *bounds: exact_loops.fill_nearest(self.vectors, self.norms, graph, members, gifs, found, bounds),
            num_gifs,
            num_threads,
        )
        return found


def gif_rows(
    ids: Strings, vectors: Floats, is_reference: npt.NDArray[np.bool_], max_members: int, num_threads: int
) -> GifRows:
    """Rows of these GIFs. `vectors` is overwritten with the distinct ones.

    Vectors with equal hashes of 128 bits count as equal. AutotagError: ids that are not ascending, vectors that are not
    finite or not of unit length.
    """
    from autotag_core.neighbors.shards import exact_loops

    check_shapes(ids, vectors)
    if np.any(ids[1:] <= ids[:-1]):
        wrong = np.flatnonzero(ids[1:] <= ids[:-1])[0] + 1
        raise AutotagError(f"gif_id {ids[wrong]!r} comes after {ids[wrong - 1]!r}; ids must be distinct and ascending")
    norms, hashes = np.empty(len(ids)), np.empty((len(ids), 2), np.uint64)
    in_threads(lambda start, end: exact_loops.fill_rows(vectors, norms, hashes, start, end), len(ids), num_threads)
    check_norms(ids, norms)
    order = np.lexsort((hashes[:, 1], hashes[:, 0]))  # stable, so equal ones stay in the order of their ids
    is_first = np.ones(len(ids), np.bool_)
    is_first[1:] = (hashes[order[1:]] != hashes[order[:-1]]).any(axis=1)
    firsts = np.sort(order[is_first])
    rows = np.empty(len(ids), np.int64)
    rows[order] = np.searchsorted(firsts, order[is_first])[np.cumsum(is_first) - 1]
    if len(firsts) < len(ids):
        for start in range(0, len(firsts), _BLOCK):  # never overwrites a vector that is still to be read
            vectors[start : min(start + _BLOCK, len(firsts))] = vectors[firsts[start : start + _BLOCK]]

    references = np.flatnonzero(is_reference)
    by_row = references[np.argsort(rows[references], kind="stable")]
    members = np.sort(by_row[position_in_group(rows[by_row]) < max_members])
    own = np.full(len(ids), -1)
    own[members] = np.arange(len(members))
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows[members], minlength=len(firsts)))])
    row_members = np.argsort(rows[members], kind="stable")
    return GifRows(vectors[: len(firsts)], norms[firsts], rows, own, members, starts, row_members)


def in_threads(work: Callable[[int, int], None], count: int, num_threads: int) -> None:
    """Calls work(start, end) over slices of 0..count in num_threads threads. `work` must release the GIL to gain."""
    size = max(1, math.ceil(count / (4 * num_threads)))
    with ThreadPoolExecutor(num_threads) as pool:
        list(pool.map(lambda start: work(start, min(start + size, count)), range(0, count, size)))
