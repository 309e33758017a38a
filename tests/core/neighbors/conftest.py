from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

Floats = npt.NDArray[np.float32]


def draw_clustered(num_vectors: int, dimension: int, seed: int) -> Floats:
    """Unit vectors in overlapping flat clusters with noise, like image embeddings: (num_vectors, dimension)."""
    random = np.random.default_rng(seed)
    num_clusters, flat = max(1, num_vectors // 200), min(16, dimension)
    centers = random.normal(size=(num_clusters, dimension)) * 0.5
    axes = random.normal(size=(num_clusters, flat, dimension))
    cluster = random.integers(num_clusters, size=num_vectors)
    vectors = random.normal(size=(num_vectors, dimension)) * 0.3
    for c in range(num_clusters):
        rows = cluster == c
        vectors[rows] += centers[c] + random.normal(size=(rows.sum(), flat)) @ axes[c] / np.sqrt(flat)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="session")
def clustered() -> Callable[[int, int, int], Floats]:
    return draw_clustered
