"""Cells of a space: none too large, neighbors together in one of them."""

from __future__ import annotations

import numpy as np

from autotag_core.neighbors import find_centers, nearest_centers


def test_no_cell_is_larger_than_allowed_and_the_same_sample_gives_the_same_cells(clustered):
    sample = clustered(4000, 32, 3)
    centers = find_centers(sample, 0.3, 2)
    assert 2 * 4000 / (0.3 * 4000) <= len(centers) < 30
    assert np.bincount(nearest_centers(sample, centers, 2).ravel()).max() <= 0.3 * 4000
    assert centers.tobytes() == find_centers(sample, 0.3, 2).tobytes()
    assert np.allclose(np.linalg.norm(centers, axis=1), 1, atol=1e-5)


def test_all_that_fits_is_one_cell_and_what_is_alike_is_cut_no_further(clustered):
    assert len(find_centers(clustered(100, 8, 1), 1.0, 1)) == 1
    alike = np.repeat(clustered(1, 8, 1), 160, axis=0)
    assert len(find_centers(alike, 0.1, 2)) == 10


def test_the_nearest_center_comes_first():
    centers = np.array([[1, 0], [0, 1], [-1, 0]], np.float32)
    assert nearest_centers(np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32), centers, 2).tolist() == [[0, 1], [1, 2]]
