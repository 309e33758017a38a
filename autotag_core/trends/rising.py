"""Which series rise: their newest hours against the baseline, over short and long windows."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from autotag_core.trends.baseline import Baseline, Counts, Floats, fit_baseline
from autotag_core.trends.surprise import tail_probability

PERIODS = {"hour": (1, 2, 4, 6), "day": (24, 72)}
"""By period the windows, in hours: what rises now, and what rises these days. All of them end now."""
MIN_EVENTS = 10
"""Fewer events in a window are no trend, however surprising: one person can make them."""
MIN_RATIO = 1.5
"""Less above the usual is no news, however sure."""
MAX_FALSE_SHARE = 0.01
"""The false discovery rate: of a hundred that are called rising, about one does not."""
_SURE_SDS = 1.64
"""A twentieth of a normal distribution is below its mean by more."""

_SERIES_AT_ONCE = 128
"""Their arrays stay in a core's cache."""


@dataclass(frozen=True)
class Rises:
    """Each series (n,) in its most surprising window of a period. `score` is what ranks: at least so many doublings.

    p_value: of the period, all its windows together. is_supported: enough events, far enough above the usual.
    """

    window_hours: np.ndarray
    observed: Floats
    expected: Floats
    p_value: Floats
    score: Floats
    is_supported: np.ndarray


def find_rises(counts: Counts, totals: Floats, first_hour: int) -> dict[str, Rises]:
    """By period, how surprising the newest hours of each series are. Arguments and cost: fit_baseline."""
    parts: dict[str, list[Rises]] = {period: [] for period in PERIODS}
    for start in range(0, max(len(counts), 1), _SERIES_AT_ONCE):
        part = counts[start : start + _SERIES_AT_ONCE]
        baseline = fit_baseline(part, totals, first_hour)
        for period, windows in PERIODS.items():
            parts[period].append(_rises(part, baseline, windows))
    return {period: _joined(found) for period, found in parts.items()}


def _joined(parts: list[Rises]) -> Rises:
    return Rises(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Rises)))


def _rises(counts: Counts, baseline: Baseline, windows: tuple[int, ...]) -> Rises:
    observed, expected = (
        np.stack([part[:, -hours:].sum(1, dtype=np.float64) for hours in windows], 1)
        for part in (counts, baseline.expected)
    )  # (n, windows)
    expected = np.maximum(expected, 1e-6)
    dispersion = np.stack([baseline.dispersion[hours] for hours in windows], 1) + 1 / baseline.certainty[:, None]
    p_values = tail_probability(observed, expected, dispersion)
    supported = (observed >= MIN_EVENTS) & (observed >= MIN_RATIO * expected)
    best = np.argmin(np.where(supported, p_values, 2 + p_values), 1)
    rows = np.arange(len(counts))
    chosen, usual = observed[rows, best], expected[rows, best]
    spread = np.sqrt(1 / np.maximum(chosen, 1) + dispersion[rows, best])
    return Rises(
        window_hours=np.array(windows)[best],
        observed=chosen,
        expected=usual,
        p_value=np.minimum(len(windows) * p_values[rows, best], 1.0),
        score=(np.log((chosen + 1) / (usual + 1)) - _SURE_SDS * spread) / np.log(2),
        is_supported=supported[rows, best],
    )
