"""Tail probabilities agree with scipy's distributions, and false discovery rates with a case worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from autotag_core.trends.surprise import false_discovery_rates, negative_binomial_tail, tail_probability

OBSERVED = np.array([1.0, 3, 10, 40, 500, 0])
EXPECTED = np.array([0.01, 2.5, 4, 10, 300, 7])


@pytest.mark.parametrize("dispersion", [0.001, 0.1, 2.0])
def test_the_tail_is_that_of_the_negative_binomial(dispersion: float) -> None:
    size = 1 / dispersion
    oracle = stats.nbinom.sf(OBSERVED - 1, size, size / (size + EXPECTED))
    assert negative_binomial_tail(OBSERVED, EXPECTED, np.full(6, dispersion)) == pytest.approx(oracle, rel=1e-9)


def test_without_dispersion_it_is_that_of_the_poisson() -> None:
    oracle = stats.poisson.sf(OBSERVED - 1, EXPECTED)
    assert negative_binomial_tail(OBSERVED, EXPECTED, np.full(6, 1e-9)) == pytest.approx(oracle, rel=1e-4)


def test_large_counts_have_the_heavier_tail_of_the_log_normal_with_the_same_mean_and_variance() -> None:
    observed, expected, dispersion = np.array([900.0]), np.array([300.0]), np.array([0.1])
    variance = np.log(1 + 1 / 300 + 0.1)
    oracle = stats.lognorm.sf(900, np.sqrt(variance), scale=300 * np.exp(-variance / 2))
    found = tail_probability(observed, expected, dispersion)
    assert found == pytest.approx(oracle, rel=1e-9)
    assert found > 5 * negative_binomial_tail(observed, expected, dispersion)


def test_false_discovery_rates_are_those_of_benjamini_and_hochberg() -> None:
    p_values = np.array([0.039, 0.001, 0.041, 0.008, 0.6])
    # by hand: .001 x 5/1, .008 x 5/2, .039 x 5/3 but no more than .041 x 5/4, .6 x 5/5
    assert false_discovery_rates(p_values, 5) == pytest.approx([0.05125, 0.005, 0.05125, 0.02, 0.6])


def test_tests_that_are_left_out_still_count() -> None:
    assert false_discovery_rates(np.array([0.001, 0.5]), 100) == pytest.approx([0.1, 1.0])
    assert false_discovery_rates(np.array([]), 100).shape == (0,)
