"""Embeddings in; points in three dimensions out, in which faces that look alike are near."""

from __future__ import annotations

import warnings

import numpy as np

_NEIGHBORS = 15
"""UMAP's own default. Fewer faces than these have no neighborhoods: PCA shows them."""
_SEED = 0


def cloud(embeddings: np.ndarray) -> tuple[np.ndarray, str]:
    """(n, 3) float32 from -1 to 1 for embeddings (n, d), and how it was made: UMAP, or PCA.

    The same faces give the same cloud. PCA is taken for few faces, and where umap-learn is not installed. Cost: UMAP
    takes about 30 s for 11,500 faces.
    """
    points, method = (None, "") if len(embeddings) <= _NEIGHBORS else _umap(embeddings)
    if points is None:
        points, method = _pca(embeddings), "PCA"
    points = points - points.mean(0)
    return (points / max(float(np.abs(points).max()), 1e-9)).astype(np.float32), method


def _umap(embeddings: np.ndarray) -> tuple[np.ndarray | None, str]:
    try:
        from umap import UMAP
    except ImportError:
        return None, ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of one thread, which a seed needs
        fitted = UMAP(n_components=3, n_neighbors=_NEIGHBORS, random_state=_SEED, n_jobs=1).fit_transform(embeddings)
    return np.asarray(fitted), "UMAP"


def _pca(embeddings: np.ndarray) -> np.ndarray:
    """(n, 3): the coordinates along the three directions of most variance; 0 where there are fewer."""
    centred = embeddings.astype(np.float64) - embeddings.mean(0)
    rotated, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    found = (rotated * lengths)[:, :3]
    return np.pad(found, ((0, 0), (0, 3 - found.shape[1])))
