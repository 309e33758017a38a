"""Coarse cells of an expert's space: what lies near each other goes into the same ones."""

from __future__ import annotations

import numpy as np

from autotag_core.neighbors.distances import Floats, Integers

_ROUNDS = 10


def find_centers(sample: Floats, max_share: float, overlap: int) -> Floats:
    """Centers (cells, dimension) of cells of which none holds more than max_share of the sample (n, dimension).

    Where each vector goes into the cells of its `overlap` nearest centers. One cell where all of them fit. Spherical
    k-means, to which one center in the largest cell is added until none is too large; the same for the same sample.
    """
    centers = _unit(sample.mean(axis=0, keepdims=True))
    max_cells = max(1, len(sample) // 16)  # smaller cells than that the sample cannot tell apart
    while len(centers) < max_cells:
        cells = nearest_centers(sample, centers, overlap)
        largest = np.bincount(cells.ravel(), minlength=len(centers))
        if largest.max() <= max_share * len(sample):
            break
        inside = sample[(cells == largest.argmax()).any(axis=1)]
        farthest = inside[(inside @ centers[largest.argmax()]).argmin()]
        centers = _moved(sample, np.concatenate([centers, farthest[None]]))
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
