"""Exact nearest neighbors by a tiled matrix product: repeatable to the bit, and the oracle for every other way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autotag_core.errors import AutotagError
from autotag_core.neighbors.distances import (
    UNIT_TOLERANCE,
    Floats,
    Integers,
    Neighbors,
    PairDistances,
    Pairs,
    Strings,
    rank_pairs,
    squared_norms,
)
from autotag_core.neighbors.shards.references import References, as_strings, distinct_references

if TYPE_CHECKING:
    import torch

Rows = npt.NDArray[np.int32]
_NO_SCORE = -4
"""Less than any score. Loops that may sum in any order can't have infinities."""


@dataclass(frozen=True)
class Tiling:
    """Queries x references that are scored at once. It changes time and memory, never a result.

    Memory: 4 bytes a score, and 24 bytes a waiting pair. At worst, where all vectors of a tile are nearly equal, about
    60 bytes a score. That is 8 MiB by default, at worst 200 MiB.
    """

    queries: int = 512
    references: int = 4096
    waiting_pairs: int = 1 << 20


DEFAULT_TILING = Tiling()
GPU_TILING = Tiling(8192, 32768)
"""For a GPU: 1.3 GB of its memory at 5 bytes a score, and the tiles."""


def exact_neighbors(
    query_ids: Sequence[str] | Strings,
    query: Floats,  # (queries, dimension)
    reference_ids: Sequence[str] | Strings,
    reference: Floats,  # (references, dimension)
    k: int,
    tiling: Tiling = DEFAULT_TILING,
) -> Neighbors:
    """The up to k nearest references of each query by 1 - cosine, ties by gif_id, never the query's own id.

    Both are L2-normalised float32. References may come in any order; an empty reference gives empty lists. AutotagError
    names what is wrong: dimensions that differ, numbers that are not finite, vectors that are not normalised, an id
    that comes twice.
    """
    if len(reference) and query.shape[1:] != reference.shape[1:]:
        raise AutotagError(
            f"queries have the shape {query.shape}, references {reference.shape}: dimensions must be equal"
        )
    references = distinct_references(reference_ids, reference, k)
    pairs = nearest_rows(as_strings(query_ids), query, references, k + 1, tiling)
    return references.neighbors(as_strings(query_ids), pairs, k)


def nearest_rows(
    query_ids: Strings,
    query: Floats,
    references: References,
    count: int,
    tiling: Tiling = DEFAULT_TILING,
    device: torch.device | None = None,
    within: Floats | None = None,
) -> Pairs:
    """The first `count` rows of each query by (distance, row). With a device, torch computes the products there.

    Products only say which rows are worth a distance, so the result is the same to the bit wherever they are computed.
    Rows further from a query than within (queries,) may be left out. If this leaves few, only the products cost time.
    """
    distances = references.distances(query, squared_norms(query_ids, query))
    blocks = []
    room = _Room.of(min(tiling.queries, len(query)) * min(tiling.references, len(references.vectors)))
    for start in range(0, len(query), tiling.queries):
        candidates = _Candidates(distances, start, min(tiling.queries, len(query) - start), count, tiling.waiting_pairs)
        if within is not None:
            candidates.leave_out(within[start : start + tiling.queries])
        block = query[start : start + tiling.queries]
        for first_row in range(0, len(references.vectors), tiling.references):
            tile = references.vectors[first_row : first_row + tiling.references]
            if device is None:
                candidates.add(room.product(block, tile), first_row, room)
            else:
                candidates.add_on_device(_product_on(device, block, tile), first_row)
        blocks.append(candidates.nearest())
    if not blocks:
        return _no_pairs()
    return Pairs(*(np.concatenate([getattr(b, name) for b in blocks]) for name in ("query", "row", "distance")))


def score_slack(dimension: int) -> float:
    """How far below the count-th best float32 score a row of the exact result can lie.

    A float32 dot product of d terms summed in any order is off by at most g = d u / (1 - d u) times the sum of
    |q_i r_i| <= |q||r|, u = 2^-24 (Higham, Accuracy and Stability of Numerical Algorithms, 3.1). Taking it for the
    cosine adds at most the tolerance of the norms. Two scores are compared, and each can be off. Rounding distances to
    float32, and the threshold itself, adds 2^-21.
    """
    rounding = dimension * 2.0**-24
    error = rounding / (1 - rounding) * (1 + UNIT_TOLERANCE) + 1.01 * UNIT_TOLERANCE
    return 2 * error + 2.0**-21


def _product_on(device: torch.device, block: Floats, tile: Floats) -> torch.Tensor:
    """block @ tile.T in float32, since TF32 would be off by more than score_slack allows."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    left, right = (torch.from_numpy(np.array(part)).to(device) for part in (block, tile))  # copies: a map is read-only
    return left @ right.T


def _no_pairs() -> Pairs:
    return Pairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))


@dataclass(frozen=True)
class _Room:
    """Memory for a tile's scores and for those that may be among the best. Every tile uses it again."""

    products: Floats
    query: Rows
    column: Rows
    score: Floats

    @classmethod
    def of(cls, size: int) -> _Room:
        """Room for `size` scores. Memory that is never written to costs nothing."""
        floats, rows = (np.empty((2, size), kind) for kind in (np.float32, np.int32))
        return cls(floats[0], rows[0], rows[1], floats[1])

    def product(self, block: Floats, tile: Floats) -> Floats:
        """block @ tile.T (block, tile)."""
        out = self.products[: len(block) * len(tile)].reshape(len(block), len(tile))
        return np.matmul(block, tile.T, out=out)


@dataclass
class _Candidates:
    """Rows that may be among the nearest of a block of queries, narrowed down tile by tile."""

    distances: PairDistances
    first_query: int
    num_queries: int
    count: int
    max_waiting: int
    _waiting: list[tuple[Integers, Integers, Floats]] = field(default_factory=list)  # query in block, row, score
    _ranked: Pairs = field(default_factory=_no_pairs)

    def __post_init__(self) -> None:
        self._slack = np.float32(score_slack(self.distances.queries.shape[1]))
        self._best = np.full((self.num_queries, self.count), _NO_SCORE, np.float32)  # scores so far, the least first
        self._num_waiting = 0

    def leave_out(self, distances: Floats) -> None:
        """Take nothing that is further away than these distances (queries,). Call it before anything is added."""
        self._best[:] = (1 - distances)[:, None]

    def add(self, scores: Floats, first_row: int, room: _Room) -> None:
        """Take those of the scores (queries, tile) that may be among the nearest."""
        from autotag_core.neighbors.shards.exact_loops import take_close

        count = take_close(scores, self._slack, self._best, (room.query, room.column, room.score))
        query, column, score = room.query[:count], room.column[:count], room.score[:count]
        kept = score >= self._threshold()[query]
        self._wait(query[kept].astype(np.int64), column[kept].astype(np.int64) + first_row, score[kept])

    def add_on_device(self, scores: torch.Tensor, first_row: int) -> None:
        """As add, but the scores stay on their device. Only each query's best, and those that may be, come back."""
        import torch

        top = scores.topk(min(self.count, scores.shape[1]), dim=1, sorted=False).values.cpu().numpy()
        both = np.concatenate([self._best, top], axis=1)
        self._best = np.partition(both, both.shape[1] - self.count, axis=1)[:, -self.count :]
        threshold = torch.from_numpy(self._threshold()).to(scores.device)
        query, row = (scores >= threshold[:, None]).nonzero(as_tuple=True)
        self._wait(query.cpu().numpy(), row.cpu().numpy() + first_row, scores[query, row].cpu().numpy())

    def nearest(self) -> Pairs:
        """The first `count` rows of each query by (distance, row). Queries are numbered over all blocks."""
        self._rank_waiting()
        return Pairs(self._ranked.query + self.first_query, self._ranked.row, self._ranked.distance)

    def _wait(self, query: Integers, row: Integers, score: Floats) -> None:
        self._waiting.append((query, row, score))
        self._num_waiting += len(query)
        if self._num_waiting > self.max_waiting:
            self._rank_waiting()

    def _threshold(self) -> Floats:
        return self._best.min(axis=1) - self._slack

    def _rank_waiting(self) -> None:
        if not self._waiting:
            return
        query, row, score = (np.concatenate(column) for column in zip(*self._waiting, strict=True))
        kept = score >= self._threshold()[query]
        query, row = query[kept], row[kept]
        distance = self.distances.of(query + self.first_query, row)
        self._ranked = rank_pairs(
            np.concatenate([self._ranked.query, query]),
            np.concatenate([self._ranked.row, row]),
            np.concatenate([self._ranked.distance, distance]),
            self.count,
        )
        self._waiting, self._num_waiting = [], 0
