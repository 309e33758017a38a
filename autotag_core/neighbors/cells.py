"""Coarse cells of an expert's space. Vectors that are near each other go into the same cells."""

from __future__ import annotations

import math

import numpy as np

from autotag_core.neighbors.distances import Floats, Integers

_ROUNDS = 10


def find_centers(sample: Floats, max_share: float, overlap: int) -> Floats:
    """Centers (cells, dimension) of cells of which none holds more than max_share of the sample (n, dimension).

    Each vector goes into the cells of its `overlap` nearest centers. Spherical k-means adds a center in each cell that
    is too large, until none is or the sample has fewer than 16 vectors a cell. The same sample gives the same centers.
    Cost: about 20 times 2 n cells d operations for each of some ten additions.
    """
    most = max(1, len(sample) // 16)
    least = min(most, math.ceil(overlap / max_share))
    centers = _moved(sample, sample[np.random.default_rng(0).choice(len(sample), least, replace=False)])
    while len(centers) < most:
        cells = nearest_centers(sample, centers, overlap)
        sizes = np.bincount(cells.ravel(), minlength=len(centers))
        too_large = np.argsort(-sizes)[: min(int((sizes > max_share * len(sample)).sum()), most - len(centers))]
        if not len(too_large):
            break
        inside = [sample[(cells == cell).any(axis=1)] for cell in too_large]
        farthest = [
            vectors[(vectors @ centers[cell]).argmin()] for cell, vectors in zip(too_large, inside, strict=True)
        ]
        centers = _moved(sample, np.concatenate([centers, np.stack(farthest)]))
    return centers


def nearest_centers(vectors: Floats, centers: Floats, count: int) -> Integers:
    """The cells (n, count) of each vector, nearest first."""
    closeness = vectors @ centers.T
    return np.argsort(-closeness, axis=1, kind="stable")[:, :count]


def _moved(sample: Floats, centers: Floats) -> Floats:
    for _ in range(_ROUNDS):
        cells = nearest_centers(sample, centers, 1)[:, 0]
        sums = np.zeros_like(centers)
        np.add.at(sums, cells, sample)
        empty = ~np.isin(np.arange(len(centers)), cells)
        sums[empty] = centers[empty]
        centers = _unit(sums)
    return centers


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit: Floats = (vectors / np.maximum(lengths, np.finfo(np.float32).tiny)).astype(np.float32)
    return unit
