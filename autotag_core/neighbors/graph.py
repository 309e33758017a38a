"""NN-descent: a graph of about the nearest rows of each row, without comparing all with all.

After Dong, Moses and Li (Efficient k-nearest neighbor graph construction for generic similarity measures, 2011), who
compare rows with the neighbors of their neighbors until few lists change. It begins with all pairs inside of small
cells around random centers, several times. pynndescent does much the same, but its loops, which take the distance as an
argument, cannot be kept on disk: 30 s of compiling in every process. Rows are first put in the order of their cells, so
that what is near lies near in memory.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from autotag_core.neighbors.distances import Floats

Graph = npt.NDArray[np.int32]
"""Row r lies beside the rows graph[r]."""

LEAF = 96
"""Rows of one small cell, about: all its pairs are compared."""
_BRANCHES = 64
_TREES = 6
_JOINED = 20
"""Neighbors of a row whose neighbors are looked at, and as many rows whose neighbor it is."""
_MAX_ROUNDS = 8
_ENOUGH = 0.002
"""The share of all places in lists up to which changes are few."""
_CHUNK = 8192


def neighbor_graph(vectors: Floats, degree: int, num_threads: int) -> Graph:
    """About the `degree` nearest other rows of each L2-normalised row, nearest first; its own fills up.

    The same for the same rows, whatever num_threads is. Cost: about n^1.1. Memory: the vectors once more, and 27 bytes
    for each place of a list.
    """
    from autotag_core.neighbors import graph_kernels as kernels

    num_rows = len(vectors)
    order = np.concatenate(_cells(vectors, 0))
    vectors = vectors[order]
    near = np.full((num_rows, degree), -1, np.int32)
    lists = near, np.full(near.shape, -np.inf, np.float32), np.ones(near.shape, np.uint8)
    joined = min(degree, _JOINED)
    beside = np.empty((num_rows, 2 * joined), np.int32), np.empty((num_rows, 2 * joined), np.uint8)
    parts = list(enumerate(_parts(num_rows, 4 * num_threads)))
    changes = np.zeros(len(parts), np.int64)
    with ThreadPoolExecutor(num_threads) as pool:
        for cells in pool.map(functools.partial(_cells, vectors), range(1, _TREES + 1)):
            list(pool.map(functools.partial(_join, vectors, lists), cells))
        for _ in range(_MAX_ROUNDS):
            beside[0][:, :joined], beside[1][:, :joined] = near[:, :joined], lists[2][:, :joined]
            list(pool.map(functools.partial(kernels.fill_back, beside), _parts(num_rows, num_threads)))
            lists[2][:] = 0
            list(pool.map(functools.partial(kernels.improve, vectors, lists, beside, changes), parts))
            if changes.sum() <= _ENOUGH * near.size:
                break
    graph = np.empty_like(near)
    graph[order] = order[np.where(near < 0, np.arange(num_rows, dtype=np.int32)[:, None], near)]
    return graph


def _join(vectors: Floats, lists: Any, rows: Graph) -> None:
    from autotag_core.neighbors import graph_kernels as kernels

    block = vectors[rows]
    kernels.join(rows, block @ block.T, lists)


def _cells(vectors: Floats, seed: int) -> list[Graph]:
    """All rows, each in one small cell; cells that lie near each other follow each other."""
    return list(_split(vectors, np.arange(len(vectors), dtype=np.int32), np.random.default_rng(seed)))


def _split(vectors: Floats, rows: Graph, random: np.random.Generator) -> Iterator[Graph]:
    """These rows by the nearest of some of them, drawn at random, until few are together."""
    if len(rows) <= 4 * LEAF // 3:
        yield rows
        return
    centers = vectors[random.choice(rows, min(_BRANCHES, math.ceil(len(rows) / LEAF)), replace=False)]
    nearest = [
        (vectors[rows[start : start + _CHUNK]] @ centers.T).argmax(axis=1) for start in range(0, len(rows), _CHUNK)
    ]
    by_center = np.concatenate(nearest)
    sizes = np.bincount(by_center, minlength=len(centers))
    if sizes.max() == len(rows):  # too much alike to be told apart
        yield from np.array_split(rows, len(centers))
        return
    for group in np.split(rows[np.argsort(by_center, kind="stable")], np.cumsum(sizes)[:-1]):
        if len(group):
            yield from _split(vectors, group, random)


def _parts(count: int, num_parts: int) -> list[tuple[int, int]]:
    """0..count cut into at most so many parts of one size."""
    size = max(1, math.ceil(count / num_parts))
    return [(start, min(start + size, count)) for start in range(0, count, size)]
