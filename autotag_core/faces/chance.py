"""How sure a share is, and whether two differ by more than chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

LEVEL = 0.95
"""Of the intervals; what is left is the chance that a report marks anything where nothing differs."""


def wilson(num: int, of: int) -> tuple[float, float]:
    """The interval of a share `num` / `of` at LEVEL (Wilson 1927). (0, 1) of none."""
    if of == 0:
        return 0.0, 1.0
    found = stats.binomtest(num, of).proportion_ci(LEVEL, "wilson")
    return float(found.low), float(found.high)


def two_shares(num: int, of: int, other_num: int, other_of: int) -> float:
    """The chance of a difference at least as large, if both shares are the same (Fisher's exact test, two-sided)."""
    table = [[num, of - num], [other_num, other_of - other_num]]
    return float(stats.fisher_exact(table).pvalue) if of and other_of else 1.0


def one_share(num: int, of: int, wanted: float) -> float:
    """The chance of a count at least as odd, if the share is as wanted (exact binomial test, two-sided)."""
    return float(stats.binomtest(num, of, wanted).pvalue) if of else 1.0


def holm(chances: Sequence[float]) -> list[float]:
    """The chances, corrected for how many there are (Holm 1979). All below 1 - LEVEL may be marked together."""
    order = np.argsort(chances, kind="stable")
    factors = len(chances) - np.arange(len(chances))
    corrected = np.minimum(1.0, np.maximum.accumulate(np.asarray(chances, float)[order] * factors))
    found = np.empty(len(chances))
    found[order] = corrected
    return [float(one) for one in found]
