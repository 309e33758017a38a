"""Vectors that are as hard to search as image embeddings."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def clustered_vectors(
    count: int, seed: int, dimension: int = 256, clusters: int = 400, subspace: int = 24, noise: float = 0.1
) -> npt.NDArray[np.float32]:
    """Unit vectors (count, dimension) in overlapping clusters, each in a subspace of its own, with noise everywhere.

    Intrinsic dimension and overlap are such that cells around centers alone lose neighbors.
    """
    random = np.random.default_rng(seed)
    shared = random.standard_normal((64, dimension)) / np.sqrt(dimension)
    centers = random.standard_normal((clusters, 64)) @ shared * 0.35
    bases = random.standard_normal((clusters, subspace, dimension)) / np.sqrt(dimension)
    cluster_of = random.choice(clusters, count, p=random.dirichlet(np.full(clusters, 0.7)))
    vectors = np.empty((count, dimension), np.float32)
    for cluster in range(clusters):
        rows = np.flatnonzero(cluster_of == cluster)
        spread = random.standard_normal((len(rows), subspace)) * (0.5 + random.random(subspace))
        vectors[rows] = centers[cluster] + spread @ bases[cluster] / np.sqrt(subspace) * 1.2
    for start in range(0, count, 65536):  # the same draws, without a second array of all
        here = vectors[start : start + 65536]
        here += noise * random.standard_normal(here.shape).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors
