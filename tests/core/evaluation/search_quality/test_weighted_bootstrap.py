"""Means over queries as often as they were made, and their intervals."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.evaluation.search_quality.weighted_bootstrap import paired_means


def test_a_query_counts_as_often_as_it_was_made() -> None:
    found = paired_means(np.array([0.0, 1.0]), np.array([1.0, 1.0]), np.array([3, 1]))
    assert found is not None
    assert (found.before, found.after, found.difference) == (0.25, 1.0, 0.75)
    assert paired_means(np.array([]), np.array([]), np.array([], int)) is None


def test_what_is_hard_on_both_sides_cancels_out() -> None:
    hard = np.random.default_rng(1).random(200)
    found = paired_means(hard, hard + 0.01, np.ones(200, int))
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.01, 0.01))
    assert found.excludes_zero


def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    rng, held = np.random.default_rng(3), 0
    for _ in range(40):
        counts = rng.zipf(2.5, size=150).clip(max=50)
        differences = rng.normal(0.02, 0.2, size=150)
        found = paired_means(np.zeros(150), differences, counts)
        assert found is not None
        held += found.low <= 0.02 <= found.high
    assert 34 <= held <= 40
