"""A series rises where its newest hours exceed its own usual, and not where everything or its weekday does."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.trends.baseline import HISTORY_HOURS, PRIOR_DISPERSION, fit_baseline
from autotag_core.trends.rising import MAX_FALSE_SHARE, Rises, find_rises

FIRST_HOUR = 24 * 20003  # a Friday
FRIDAY = (np.arange(HISTORY_HOURS) // 24) % 7 == 0
NUM = 40


def steady(rate: float, seed: int = 1, factors: np.ndarray | None = None) -> np.ndarray:
    """(NUM, hours) Poisson counts, with these factors by hour."""
    mean = rate * (np.ones(HISTORY_HOURS) if factors is None else factors)
    return np.random.default_rng(seed).poisson(mean, (NUM, HISTORY_HOURS)).astype(np.float32)


def rising(counts: np.ndarray, period: str) -> tuple[list[int], Rises]:
    """Which series rise, as if each were the only one that is tested."""
    rises = find_rises(counts, counts.sum(0, dtype=np.float64), FIRST_HOUR)[period]
    return np.flatnonzero(rises.is_supported & (rises.p_value <= MAX_FALSE_SHARE / NUM)).tolist(), rises


def test_a_series_with_five_times_its_usual_rises_at_once_and_nothing_else_does() -> None:
    counts = steady(10)
    counts[7, -2:] *= 5
    found, rises = rising(counts, "hour")
    assert found == [7]
    assert rises.window_hours[7] == 2 and rises.observed[7] == counts[7, -2:].sum()
    assert rises.expected[7] == pytest.approx(20, rel=0.15)
    assert 0.5 < rises.score[7] < np.log2(5)


def test_twice_the_usual_for_a_day_rises_by_the_day() -> None:
    counts = steady(20)
    counts[3, -24:] *= 2
    assert rising(counts, "day")[0] == [3]


def test_a_holiday_that_lifts_all_is_no_trend() -> None:
    lifted = np.ones(HISTORY_HOURS)
    lifted[-24:] = 2.5
    assert rising(steady(10, factors=lifted), "hour")[0] == [] == rising(steady(10, factors=lifted), "day")[0]


def test_what_comes_every_friday_is_no_trend_and_on_another_day_it_is() -> None:
    counts = steady(10)
    counts[5] = np.random.default_rng(2).poisson(np.where(FRIDAY, 60, 10))
    as_always = np.roll(counts, -24, axis=1)  # the newest day is a Friday
    rises = find_rises(as_always, as_always.sum(0, dtype=np.float64), FIRST_HOUR + 24)["day"]
    assert rises.p_value[5] > MAX_FALSE_SHARE
    counts[5, -24:] *= 6  # a Thursday
    assert rising(counts, "day")[0] == [5]


def test_few_events_are_no_trend_however_surprising() -> None:
    counts = steady(5)
    counts[4] = 0
    counts[4, -1] = 9
    assert rising(counts, "hour")[0] == []
    counts[4, -1] = 10
    assert rising(counts, "hour")[0] == [4]


def test_a_burst_of_last_week_does_not_hide_one_of_today() -> None:
    counts = steady(10)
    counts[2, -240:-228] *= 10
    counts[2, -6:] *= 5
    assert rising(counts, "hour")[0] == [2]


def test_an_outage_is_not_taken_for_calm() -> None:
    counts = steady(10)
    counts[:, -400:-300] = 0
    baseline = fit_baseline(counts, counts.sum(0, dtype=np.float64), FIRST_HOUR)
    assert not baseline.expected[:, -400:-300].any()
    assert baseline.expected[:, -24:].mean() == pytest.approx(10, rel=0.05)


def test_a_series_alone_is_measured_by_its_own_past() -> None:
    counts = steady(10)[:1]
    assert find_rises(counts, counts.sum(0, dtype=np.float64), FIRST_HOUR)["day"].p_value[0] > 0.05
    counts[0, -6:] *= 5
    assert find_rises(counts, counts.sum(0, dtype=np.float64), FIRST_HOUR)["hour"].p_value[0] < 1e-4


def test_what_varies_more_needs_more_to_surprise() -> None:
    noise = np.exp(np.random.default_rng(5).normal(0, 0.7, (1, HISTORY_HOURS)))
    counts = steady(30)
    counts[0] = np.random.default_rng(6).poisson(30 * noise[0])
    dispersion = fit_baseline(counts, counts.sum(0, dtype=np.float64), FIRST_HOUR).dispersion[1]
    assert dispersion[0] > 4 * dispersion[1:].max()
    assert dispersion[1:].max() < PRIOR_DISPERSION[1]


def test_no_series_at_all_is_no_error() -> None:
    nothing = find_rises(np.zeros((0, HISTORY_HOURS), np.float32), np.zeros(HISTORY_HOURS), FIRST_HOUR)
    assert [len(rises.p_value) for rises in nothing.values()] == [0, 0]
