"""How surprising a count is: tail probabilities of the negative binomial, and false discovery rates over many tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]


def tail_probability(observed: Floats, expected: Floats, dispersion: Floats) -> Floats:
    """P(X >= observed), of any shape, for counts with this mean and variance mean + dispersion x mean squared.

    The larger of two tails: that of the negative binomial, and that of the log-normal distribution with the same mean
    and variance. The first is right where counts are small. The second is heavier where they are large, as are the
    counts of what people do: a day on which twice as many come is rarer than a normal or gamma tail says.
    `expected` and `dispersion` are above 0.
    """
    return np.maximum(
        negative_binomial_tail(observed, expected, dispersion), _log_normal(observed, expected, dispersion)
    )


def negative_binomial_tail(observed: Floats, expected: Floats, dispersion: Floats) -> Floats:
    """P(X >= observed): the regularised incomplete beta function I_p(observed, r), r = 1 / dispersion, p = m / (m + r).

    A dispersion near 0 gives the Poisson's tail.
    """
    size = 1 / dispersion
    tail = special.betainc(np.maximum(observed, 1), size, expected / (expected + size))
    return np.where(observed <= 0, 1.0, tail)


def _log_normal(observed: Floats, expected: Floats, dispersion: Floats) -> Floats:
    variance = np.log1p(1 / expected + dispersion)
    above = np.log(np.maximum(observed, 0.5) / expected) + variance / 2
    return np.asarray(special.ndtr(-above / np.sqrt(variance)))


def false_discovery_rates(p_values: Floats, num_tests: int) -> Floats:
    """(n,) q-values: the share of false discoveries to expect among tests whose p-value is at most each one.

    Benjamini and Hochberg, 1995: q of the k-th smallest is the least p_j x num_tests / j over j >= k. `num_tests` may
    exceed n, where the tests that were left out have larger p-values than all of these.
    """
    order = np.argsort(p_values, kind="stable")
    ranks = np.arange(1, len(p_values) + 1)
    rates = np.minimum.accumulate((p_values[order] * num_tests / ranks)[::-1])[::-1]
    found = np.empty_like(rates)
    found[order] = np.minimum(rates, 1.0)
    return found
