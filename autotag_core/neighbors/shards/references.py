"""The GIFs that can be neighbors: their distinct vectors and, for each vector, the GIFs that have it."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from autotag_core.errors import AutotagError
from autotag_core.neighbors.distances import (
    Doubles,
    Floats,
    Integers,
    Neighbors,
    PairDistances,
    Pairs,
    Strings,
    position_in_group,
    squared_norms,
)


@dataclass(frozen=True)
class References:
    """Distinct vectors, each with the smallest ids that share it. Rows are in the order of their smallest id."""

    vectors: Floats  # (rows, dimension), L2-normalised, may be a memory map
    norms: Doubles  # (rows,) squared
    ids: Strings  # ascending
    row_of: Integers  # (ids,) row of each id's vector

    @functools.cached_property
    def members(self) -> Integers:
        """Positions in ids, by row, ascending within a row."""
        return np.argsort(self.row_of, kind="stable")

    @functools.cached_property
    def starts(self) -> Integers:
        """Bounds (rows + 1,): row r has the members starts[r]:starts[r + 1]."""
        return np.concatenate([[0], np.cumsum(np.bincount(self.row_of, minlength=len(self.vectors)))])

    @functools.cached_property
    def num_empty(self) -> int:
        """Number of rows without an id."""
        return int((np.diff(self.starts) == 0).sum())

    def without(self, ids: Strings) -> References:
        """The references without these ids (ascending). Every row stays, but some have no id any more."""
        if not len(ids):
            return self
        kept = ids[np.minimum(np.searchsorted(ids, self.ids), len(ids) - 1)] != self.ids
        return replace(self, ids=self.ids[kept], row_of=self.row_of[kept])

    def distances(self, queries: Floats, query_norms: Doubles) -> PairDistances:
        """Distances from these queries to the rows."""
        return PairDistances(queries, query_norms, self.vectors, self.norms)

    def neighbors(self, query_ids: Strings, pairs: Pairs, k: int) -> Neighbors:
        """The k nearest GIFs of each query, ties by gif_id, never the query itself.

        `pairs` must hold the first k + 1 rows of each query by (distance, row). Among equal distances, rows are in the
        order of their smallest id. So at least k ids, besides the query's own, come before any that is left out.
        """
        sizes = self.starts[pairs.row + 1] - self.starts[pairs.row]
        pair = np.repeat(np.arange(len(sizes)), sizes)
        member = self.members[self.starts[pairs.row[pair]] + position_in_group(pair)]
        query, distance = pairs.query[pair], pairs.distance[pair]
        other = member != self._position(query_ids)[query]
        query, member, distance = query[other], member[other], distance[other]
        # only members at one distance are out of order, and a stable sort is fast on nearly sorted numbers
        same = (np.diff(query, prepend=-1) == 0) & (np.diff(distance, prepend=0) == 0)
        order = np.argsort(np.cumsum(~same) * len(self.ids) + member, kind="stable")
        order = order[position_in_group(query[order]) < k]
        counts = np.bincount(query[order], minlength=len(query_ids))
        return Neighbors(np.concatenate([[0], np.cumsum(counts)]), self.ids[member[order]], distance[order])

    def _position(self, query_ids: Strings) -> Integers:
        """Where each query is among the ids; -1 where it is not."""
        if not len(self.ids):
            return np.full(len(query_ids), -1)
        position = np.minimum(np.searchsorted(self.ids, query_ids), len(self.ids) - 1)
        return np.where(self.ids[position] == query_ids, position, -1)


@dataclass
class DistinctVectors:
    """Finds equal vectors in a stream of references that comes in ascending order of gif_id.

    Of equal vectors only the k + 1 smallest ids can be anyone's k nearest neighbors; the others are dropped. So
    thousands of copies of one GIF (or of one set of tags) cost no more than k + 1. Nor does an HNSW graph lose its way
    among them. Memory: about 200 bytes a distinct vector.
    """

    max_members: int
    _rows: dict[bytes, int] = field(default_factory=dict)
    _sizes: list[int] = field(default_factory=list)
    _last_id: str | None = None

    def add(self, ids: Sequence[str], vectors: Floats) -> tuple[list[int], list[int], list[int]]:
        """Which of these vectors are new, which of these ids are kept, and the rows of the kept ids."""
        new_vectors, kept, rows = [], [], []
        for i, gif_id in enumerate(ids):
            if self._last_id is not None and gif_id <= self._last_id:
                problem = "comes twice" if gif_id == self._last_id else f"comes after {self._last_id!r}"
                raise AutotagError(f"reference gif_id {gif_id!r} {problem}; ids must be distinct and ascending")
            self._last_id = gif_id
            # 128 bits: among 10^9 vectors, the chance that two different ones have one key is 10^-21
            key = hashlib.blake2b(vectors[i].tobytes(), digest_size=16).digest()
            row = self._rows.setdefault(key, len(self._rows))
            if row == len(self._sizes):
                self._sizes.append(0)
                new_vectors.append(i)
            if self._sizes[row] < self.max_members:
                self._sizes[row] += 1
                kept.append(i)
                rows.append(row)
        return new_vectors, kept, rows


def as_strings(ids: Sequence[str] | Strings) -> Strings:
    """The ids as an array of Python strings."""
    strings = np.empty(len(ids), dtype=object)
    strings[:] = ids
    return strings


def distinct_references(ids: Sequence[str] | Strings, vectors: Floats, k: int) -> References:
    """References for up to k neighbors, ids in any order. AutotagError on duplicate ids or vectors not unit."""
    ids = as_strings(ids)
    norms = squared_norms(ids, vectors)
    order = np.argsort(ids, kind="stable")
    ids, vectors, norms = ids[order], vectors[order], norms[order]
    new_vectors, kept, rows = DistinctVectors(k + 1).add(ids.tolist(), vectors)
    return References(vectors[new_vectors], norms[new_vectors], ids[kept], np.asarray(rows, dtype=np.int64))
