"""NN-descent: a graph of about the nearest rows of each row, without comparing every pair.

After Dong, Moses and Li (Efficient k-nearest neighbor graph construction for generic similarity measures, 2011). They
compare the rows beside a row with each other until few lists change. Two things are as in pynndescent: only a sample of
these rows is compared, and all threads make offers before each thread takes those for its own rows. The start is all
pairs inside small cells around random centers, several times. Rows are first put in the order of their cells, so that
near rows are near in memory.

Vectors are rounded to integers so small that every sum of products is exact in float32. So closeness is the same in any
order of summing and on any machine, and ties are ties. Closeness is off by 1e-4, less than the graph is. Distances are
computed from the vectors themselves.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from autotag_core.neighbors.distances import Floats, Integers

Graph = npt.NDArray[np.int32]
"""The rows graph[r] lie beside row r."""

LEAF = 128
"""About how many rows one small cell has. All its pairs are compared."""
_MOST = 4 * LEAF // 3
_BRANCHES = 48
_TREES = 4
_SAMPLED = 32
"""How many fresh rows beside a row, and as many others, are compared with each other in a round."""
_MAX_ROUNDS = 8
_ENOUGH = 0.02
"""If at most this share of all places in lists changes, the changes are few."""
_BLOCK = 8192
"""Rows whose offers are all made before one is taken: at most 150 MB."""


def neighbor_graph(vectors: Floats, degree: int, num_threads: int) -> Graph:
    """About the `degree` nearest other rows of each L2-normalised row, nearest first. Its own number fills up.

    The same rows give the same graph, whatever num_threads is. Cost: about n^1.1. Memory: the vectors once more, and
    8 degree + 512 bytes a row.
    """
    from autotag_core.neighbors.graph import graph_loops

    scale = np.float32(4095 - math.sqrt(vectors.shape[1]) / 2)  # no rounded vector is longer than 4095
    lists = np.full((len(vectors), degree), graph_loops.NOBODY)
    graph = np.empty(lists.shape, np.int32)
    with ThreadPoolExecutor(num_threads) as pool:
        threads = _Threads(pool, num_threads)
        order, starts = _cells(threads, vectors, scale, 0)
        rounded = np.empty_like(vectors)
        threads.share(functools.partial(graph_loops.fill_rounded, vectors, scale, order, rounded), len(order))
        rows = np.arange(len(order), dtype=np.int32)
        for tree in range(_TREES):
            rows, starts = _cells(threads, rounded, np.float32(1), tree) if tree else (rows, starts)
            threads.share(functools.partial(graph_loops.join, rounded, lists, rows, starts), len(starts) - 1)
        _descend(threads, rounded, lists)
        threads.share(functools.partial(graph_loops.fill_graph, lists, order, graph), len(order))
    return graph


@dataclass(frozen=True)
class _Threads:
    """Threads that share out work. No result depends on how many there are."""

    pool: Executor
    number: int

    def share(self, work: Callable[[tuple[int, int]], Any], count: int) -> None:
        """Calls work((start, end)) for slices of 0..count."""
        list(self.pool.map(work, _parts(count, 4 * self.number)))


def _cells(threads: _Threads, vectors: Floats, scale: np.float32, seed: int) -> tuple[Graph, Integers]:
    """All rows, each in one small cell, and where each cell starts. Cells near each other follow each other."""
    groups = [np.arange(len(vectors), dtype=np.int32)]
    if len(vectors) > _MOST:
        groups = _grouped(vectors, scale, groups[0], np.random.default_rng(seed), threads.share)

    def split(number: int) -> list[Graph]:
        return list(_split(vectors, scale, groups[number], np.random.default_rng([seed, number])))

    cells = [cell for cells in threads.pool.map(split, range(len(groups))) for cell in cells]
    return np.concatenate(cells), np.cumsum([0, *map(len, cells)])


def _split(vectors: Floats, scale: np.float32, rows: Graph, random: np.random.Generator) -> Iterator[Graph]:
    """Groups these rows by the nearest of some of them, drawn at random, again and again until groups are small."""
    if len(rows) <= _MOST:
        yield rows
        return
    for group in _grouped(vectors, scale, rows, random, lambda work, count: work((0, count))):
        yield from _split(vectors, scale, group, random)


def _grouped(
    vectors: Floats, scale: np.float32, rows: Graph, random: np.random.Generator, share: Callable[..., None]
) -> list[Graph]:
    """These rows grouped by the nearest of some of them, drawn at random."""
    from autotag_core.neighbors.graph import graph_loops

    count = min(_BRANCHES, math.ceil(len(rows) / LEAF))
    drawn = random.choice(rows, count, replace=False)
    centers = np.rint(vectors[np.pad(drawn, (0, -count % 4), mode="edge")] * scale)
    nearest = np.empty(len(rows), np.uint8)
    share(functools.partial(graph_loops.fill_nearest, vectors, scale, rows, centers, nearest), len(rows))
    sizes = np.bincount(nearest, minlength=count)
    if sizes.max() == len(rows):  # the rows are too much alike to be told apart
        return np.array_split(rows, count)
    groups = np.split(rows[np.argsort(nearest, kind="stable")], np.cumsum(sizes)[:-1])
    return [group for group in groups if len(group)]


def _descend(threads: _Threads, rounded: Floats, lists: Integers) -> None:
    """Offer the rows beside each row to each other, round by round, until few offers are taken."""
    from autotag_core.neighbors.graph import graph_loops
    from autotag_core.neighbors.graph import sample_loops as draws

    num_rows = len(lists)
    fresh, known = (np.empty((num_rows, _SAMPLED), np.int64) for _ in range(2))
    block = min(_BLOCK, num_rows)
    offers = [graph_loops.no_offers(end - start, _SAMPLED) for start, end in _parts(block, 4 * threads.number)]
    make = functools.partial(graph_loops.fill_offers, rounded, lists, (fresh, known))
    for number in range(_MAX_ROUNDS):
        bounds = _parts(num_rows, threads.number)
        list(threads.pool.map(functools.partial(draws.fill_fresh, lists, fresh, number), bounds))
        list(threads.pool.map(functools.partial(draws.fill_known, lists, fresh, known, number), bounds))
        threads.share(functools.partial(draws.mark_known, lists, fresh), num_rows)
        num_taken = 0
        for start in range(0, num_rows, block):
            parts = [(start + first, min(start + last, num_rows)) for first, last in _parts(block, 4 * threads.number)]
            counts = list(threads.pool.map(make, parts, offers))
            take = functools.partial(_take, lists, list(zip(offers, counts, strict=True)), threads.number)
            num_taken += sum(threads.pool.map(take, range(threads.number)))
        if num_taken <= _ENOUGH * lists.size:
            break


def _take(lists: Integers, made: list[tuple[Any, int]], num_owners: int, owner: int) -> int:
    from autotag_core.neighbors.graph import graph_loops

    return sum(graph_loops.take_offers(lists, offers, count, owner, num_owners) for offers, count in made)


def _parts(count: int, num_parts: int) -> list[tuple[int, int]]:
    """0..count cut into at most num_parts parts of one size."""
    size = max(1, math.ceil(count / num_parts))
    return [(start, min(start + size, count)) for start in range(0, count, size)]
