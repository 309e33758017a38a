"""Clouds of drawn embeddings."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from autotag_core.faces.explorer.cloud import cloud


def faces(num_people: int, num_each: int) -> np.ndarray:
    """(num_people * num_each, 128): those of a person beside each other, people far apart."""
    chance = np.random.default_rng(3)
    people = np.repeat(chance.normal(size=(num_people, 128)), num_each, axis=0)
    return (people + 0.05 * chance.normal(size=people.shape)).astype(np.float32)


def is_together(points: np.ndarray, num_each: int) -> bool:
    """Whether each face's nearest one is of the same person."""
    apart = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    return bool((apart.argmin(1) // num_each == np.arange(len(points)) // num_each).all())


def test_faces_of_a_person_are_near_each_other_and_the_same_faces_give_the_same_cloud() -> None:
    points, method = cloud(faces(8, 5))
    assert (points.shape, points.dtype, method) == ((40, 3), np.float32, "UMAP")
    assert is_together(points, 5)
    assert np.abs(points).max() == pytest.approx(1.0)
    assert (cloud(faces(8, 5))[0] == points).all()


def test_without_umap_it_is_pca(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    points, method = cloud(faces(4, 5))
    assert (points.shape, method) == ((20, 3), "PCA")
    assert is_together(points, 5)


@pytest.mark.parametrize("num", [1, 2, 3, 15])
def test_few_faces_are_shown_by_pca(num: int) -> None:
    points, method = cloud(faces(num, 1))
    assert (points.shape, method) == ((num, 3), "PCA")
    assert np.isfinite(points).all()
