"""How far a mean over queries would move if other queries had been asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.95
NUM_RESAMPLES = 2000
_SEED = 7
_BLOCK = 100  # resamples at a time: memory stays small with many queries


@dataclass(frozen=True)
class PairedMeans:
    """A measure before and after, and the interval of its difference."""

    before: float
    after: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """After minus before."""
        return self.after - self.before

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly above or below 0."""
        return self.low > 0 or self.high < 0


def paired_means(
    before: NDArray[np.float64], after: NDArray[np.float64], counts: NDArray[np.int64]
) -> PairedMeans | None:
    """The means of a measure (n,) over queries that count as often as they were made, on both sides. None of none.

    The interval is the middle 95% of the difference over resamples. Distinct queries are drawn with replacement, each
    with its count, the same for both sides: what makes a query hard for both cancels out (Efron and Tibshirani 1993).
    """
    if not len(counts):
        return None
    weights = counts / counts.sum()
    rng, drawn = np.random.default_rng(_SEED), []
    for _ in range(NUM_RESAMPLES // _BLOCK):
        times = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=_BLOCK)
        drawn.append((times @ (weights * (after - before))) / (times @ weights))
    low, high = np.quantile(np.concatenate(drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return PairedMeans(float(weights @ before), float(weights @ after), float(low), float(high))
