"""Series of counts as a large site has them, with bursts whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIRST_HOUR = 24 * 20000  # a Tuesday in 2024
RATIOS = (2.0, 3.0, 5.0, 10.0)


@dataclass(frozen=True)
class Burst:
    """A series that has `ratio` times its usual events, from `start` to before `end`, hours of the series."""

    series: int
    ratio: float
    start: int
    end: int


@dataclass(frozen=True)
class Planted:
    """counts (n, hours), what they would be on average without noise and bursts, the bursts and the holidays' days."""

    counts: NDArray[np.float32]
    rates: NDArray[np.float64]
    bursts: list[Burst]
    holidays: list[int]


def plant(num_series: int, num_days: int, bursts_a_day: float, seed: int) -> Planted:
    """Series with shared and own seasons, holidays, growth, noise that lasts and noise that does not, and bursts.

    A twentieth of the events of an hour to 300 an hour; every third is sparse, with less than one. Bursts, 2 to 10
    times over 6 to 72 hours, go to series with half an event an hour and more. Some series live on one weekday.
    """
    rng = np.random.default_rng(seed)
    hours = np.arange(24 * num_days)
    rates = np.exp(rng.uniform(np.log(0.05), np.log(300), num_series))
    log_mean = np.log(rates)[:, None] + _seasons(rng, hours, num_series)
    log_mean += rng.normal(0, 0.004, num_series)[:, None] * (hours / 24 - num_days / 2)  # growth: 0.4% a day
    holidays = sorted(rng.choice(np.arange(num_days), 4, replace=False).tolist())
    holidays[-1] = int(num_days - 1 - rng.integers(1, 6))  # one of them while it is watched
    for day in holidays:
        lift = np.log(rng.uniform(1.3, 2.5)) * rng.lognormal(0, 0.15, num_series)
        log_mean[:, 24 * day : 24 * day + 24] += lift[:, None]
    log_mean += _noise(rng, num_series, num_days)
    bursts = _bursts(rng, rates, num_days, bursts_a_day)
    for one in bursts:
        log_mean[one.series, one.start : one.end] += np.log(one.ratio)
    return Planted(rng.poisson(np.exp(log_mean)).astype(np.float32), rates, bursts, holidays)


def _seasons(rng: np.random.Generator, hours: NDArray[np.int64], num: int) -> NDArray[np.float64]:
    """(n, hours): log factors. A day has one peak, near 20 h; each series has its own hour, height and weekdays."""
    of_day, weekday = (FIRST_HOUR + hours) % 24, ((FIRST_HOUR + hours) // 24 + 4) % 7
    peak, height = rng.normal(20, 2, num), np.abs(rng.normal(0.7, 0.2, num))
    found = height[:, None] * np.cos(2 * np.pi * (of_day[None, :] - peak[:, None]) / 24)
    week = np.array([0.2, 0.0, -0.1, -0.1, 0.0, 0.1, 0.25]) + rng.normal(0, 0.12, (num, 7))
    own = rng.random(num) < 0.03  # such as "friday": three to six times on their day
    week[own, rng.integers(0, 7, own.sum())] += rng.uniform(np.log(3), np.log(6), own.sum())
    return np.asarray(found + week[:, weekday])


def _noise(rng: np.random.Generator, num: int, num_days: int) -> NDArray[np.float64]:
    """(n, hours): log factors. Some by the hour, some that last for days; each series has its own share of both."""
    spread = rng.lognormal(np.log(0.15), 0.4, (2, num))
    hourly = rng.normal(0, 1, (num, 24 * num_days)) * spread[0][:, None]
    daily = rng.normal(0, 1, (num, num_days))
    for day in range(1, num_days):
        daily[:, day] = 0.5 * daily[:, day - 1] + np.sqrt(0.75) * daily[:, day]
    return np.asarray(hourly + np.repeat(daily * spread[1][:, None], 24, axis=1))


def _bursts(rng: np.random.Generator, rates: NDArray[np.float64], num_days: int, a_day: float) -> list[Burst]:
    busy = np.flatnonzero(rates >= 0.5)
    num = min(int(a_day * num_days), len(busy))
    starts, lengths = rng.integers(0, 24 * num_days, num), rng.integers(6, 73, num)
    ratios, series = rng.choice(RATIOS, num), rng.choice(busy, num, replace=False)
    return [
        Burst(int(which), float(ratio), int(start), int(start + length))
        for which, ratio, start, length in zip(series, ratios, starts, lengths, strict=True)
    ]
