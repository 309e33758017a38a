"""What a series usually has at an hour: its share of everything that happens, its own season, its slowly moving level.

Shapes: n series, HISTORY_HOURS hours, oldest first. A day is 24 hours up to the hour that is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float32]
Floats = NDArray[np.float64]

WEEK = 168
HISTORY_HOURS = 8 * WEEK
"""Each hour of the week comes eight times."""
GAP_DAYS = 3
"""The newest days, which may hold the rise itself. No baseline is learned from them."""
LEARNED_HOURS = HISTORY_HOURS - 24 * GAP_DAYS
_HALF_LIFE_DAYS = 10.0
_FIRST_KNOWN_DAY = 14
"""Dispersion is learned from days whose level was learned from at least the days before that."""
_PRIOR_EVENTS, _PRIOR_HOURS = 0.5, 5.0
"""What a level is before anything is known: half an event in five hours, which an hour or two of events outweigh."""
_SMOOTHING = 20.0
"""Events that an hour of the day, or a weekday, needs before its own season counts as much as that of everything."""
_FLOOR = 20.0
"""Events an hour that are added to what happens elsewhere, in the shape of its day. A system of few events is calm."""
_CLIP_SDS, _CLIP_DISPERSION = 4.0, 0.2
"""Counts above this are cut off while the baseline is learned, so that earlier bursts don't become usual."""
PRIOR_DISPERSION = {1: 0.12, 2: 0.1, 4: 0.08, 6: 0.07, 24: 0.05, 72: 0.04}
"""By hours of a window: dispersion of a series that nobody knows. Long windows average out what is short-lived."""


@dataclass(frozen=True)
class Baseline:
    """expected (n, HISTORY_HOURS): what each hour usually has. certainty (n,): events that the level is learned from.

    dispersion: by hours of a window (n,), how much more than a Poisson's its counts vary.
    """

    expected: Counts
    certainty: Floats
    dispersion: dict[int, Floats]


def fit_baseline(counts: Counts, totals: Floats, first_hour: int) -> Baseline:
    """The baselines of series counts (n, HISTORY_HOURS). The last GAP_DAYS days are expected, never learned from.

    totals (HISTORY_HOURS,): what happens in all series of this kind. A holiday, an hour of the day or a growth that all
    share is expected of each. Hours in which nothing happens anywhere are an outage: nothing is expected there.
    first_hour: hours since 1970 of the first hour, which tells hour and weekday.
    Time: some 30 passes over the counts. Memory: 4 arrays of their shape.
    """
    exposure = _exposure(counts, totals)
    clipped, usual = counts.copy(), exposure.copy()
    clipped[:, LEARNED_HOURS:] = usual[:, LEARNED_HOURS:] = 0
    level = _level(_sum(clipped), _sum(usual))[:, None].astype(np.float32)
    usual *= level
    hours = first_hour + np.arange(WEEK)
    season = _season(clipped, usual, hours)
    for _ in range(2):
        clipped = _cut(counts, usual, season)
        season = _season(clipped, usual, hours)
    _by_week(exposure)[...] *= season[:, None, :]
    levels, certainty = _moving_level(clipped, exposure)
    _by_day(exposure)[...] *= levels.astype(np.float32)[:, :, None]
    return Baseline(exposure, certainty, _dispersions(clipped, exposure, totals))


def _sum(part: Counts) -> Floats:
    """(n,) sums of rows."""
    return (part @ np.ones(part.shape[1], np.float32)).astype(np.float64)


def _by_week(rows: Counts) -> Counts:
    return rows.reshape(len(rows), rows.shape[1] // WEEK, WEEK)


def _by_day(rows: Counts) -> Counts:
    return rows.reshape(len(rows), rows.shape[1] // 24, 24)


def _exposure(counts: Counts, totals: Floats) -> Counts:
    """(n, HISTORY_HOURS): how much happens elsewhere, 1 on average; 0 where nothing happens anywhere."""
    runs = totals > 0
    by_hour = totals.reshape(-1, 24).sum(0) / np.maximum(runs.reshape(-1, 24).sum(0), 1)
    shape = np.tile(by_hour / max(by_hour.mean(), 1e-9), len(totals) // 24)
    elsewhere = (totals + _FLOOR * shape * runs).astype(np.float32) - counts
    elsewhere *= (runs.sum() / np.maximum(_sum(elsewhere), 1e-9))[:, None].astype(np.float32)
    return elsewhere


def _level(events: Floats, hours: Floats) -> Floats:
    return (events + _PRIOR_EVENTS) / (hours + _PRIOR_HOURS)


def _cut(counts: Counts, usual: Counts, season: Counts) -> Counts:
    """The counts up to _CLIP_SDS standard deviations above usual x season (n, WEEK); 0 where nothing is learned."""
    usual = (_by_week(usual) * season[:, None, :]).reshape(counts.shape)
    limit = usual * np.float32(_CLIP_DISPERSION)
    limit += 1
    limit *= usual
    np.sqrt(limit, out=limit)
    limit *= np.float32(_CLIP_SDS)
    limit += usual
    limit += 2
    np.minimum(limit, counts, out=limit)
    limit[:, LEARNED_HOURS:] = 0
    return limit


def _season(past: Counts, usual: Counts, hours: NDArray[np.int64]) -> Counts:
    """(n, WEEK): by what a series' own hours of the day and weekdays differ from those of everything, shrunk to 1.

    past, usual (n, HISTORY_HOURS): 0 where nothing is learned. Of each weekday the highest week is left out: a burst of
    a day must not make its weekday usual. What that takes from calm weekdays it takes from all of them.
    """
    of_day, of_week = hours % 24, (hours // 24 + 4) % 7  # 1 January 1970 was a Thursday
    observed, expected = (_by_week(part).sum(1) @ _groups(of_day, 24) for part in (past, usual))  # (n, 24)
    by_hour = _factors(observed, expected)[:, of_day]
    observed = _by_week(past) @ _groups(of_week, 7)  # (n, weeks, 7)
    expected = (_by_week(usual) * by_hour[:, None, :]) @ _groups(of_week, 7)
    highest = np.argmax((observed + 1) / (expected + 1), 1, keepdims=True)
    observed, expected = (part.sum(1) - np.take_along_axis(part, highest, 1)[:, 0, :] for part in (observed, expected))
    return np.asarray(by_hour * _factors(observed, expected)[:, of_week], np.float32)


def _groups(of_hour: NDArray[np.int64], num: int) -> Counts:
    """(WEEK, num): 1 where the hour is of the group."""
    return np.eye(num, dtype=np.float32)[of_hour]


def _factors(observed: Counts, expected: Counts) -> Counts:
    """(n, groups): observed by expected events, shrunk to 1, and 1 on average."""
    found = (observed + _SMOOTHING) / (expected + _SMOOTHING)
    weight = expected.sum(1, keepdims=True)
    return np.asarray(found * weight / np.maximum((expected * found).sum(1, keepdims=True), 1e-9), np.float32)


def _moving_level(clipped: Counts, exposure: Counts) -> tuple[Floats, Floats]:
    """(n, days) levels, each from the days up to GAP_DAYS before it, the newer ones more; the last one's certainty."""
    events, hours = (_by_day(part) @ np.ones(24, np.float32) for part in (clipped, exposure))  # (n, days)
    days = np.arange(events.shape[1])
    age = days[None, :] - GAP_DAYS - days[:, None]
    weights = np.where(age >= 0, 0.5 ** (age / _HALF_LIFE_DAYS), 0.0)
    recent = events.astype(np.float64) @ weights
    return _level(recent, hours.astype(np.float64) @ weights), recent[:, -1] + _PRIOR_EVENTS


def _dispersions(clipped: Counts, expected: Counts, totals: Floats) -> dict[int, Floats]:
    """By hours of a window (n,): what blocks of so many hours have shown, and the prior the more the less they tell.

    By moments: sum((O - E)^2 - E) / sum(E^2). Its variance is about 2 / sum(E^2) + 6 x dispersion^2 / blocks, for
    counts whose tails are heavier than a normal distribution's.
    """
    known = int(np.argmax(totals > 0)) + 24 * _FIRST_KNOWN_DAY
    found = {}
    for hours, prior in PRIOR_DISPERSION.items():
        blocks = max(LEARNED_HOURS - known, 0) // hours
        if not blocks:
            found[hours] = np.full(len(clipped), prior)
            continue
        observed, usual = (
            part[:, LEARNED_HOURS - blocks * hours : LEARNED_HOURS].reshape(len(part), blocks, hours)
            @ np.ones(hours, np.float32)
            for part in (clipped, expected)
        )
        information = np.maximum((usual**2).sum(1, dtype=np.float64), 1e-12)
        seen = ((observed - usual) ** 2 - usual).sum(1, dtype=np.float64) / information
        variance = 2 / information + 6 * np.maximum(seen, prior) ** 2 / blocks
        weight = prior**2 / (prior**2 + variance)
        found[hours] = np.maximum(weight * seen + (1 - weight) * prior, prior / 20)
    return found
