"""How often an epoch draws each example, so that common labels do not drown rare ones.

With several labels a GIF, no draw serves one label alone. Two schemes are known. Repeat factors (LVIS, Gupta, Dollar
and Girshick 2019) repeat a GIF by its rarest label: r(c) = max(1, sqrt(t / f(c))), r(GIF) = max over its labels. They
only ever add, so a label of 500,000 GIFs keeps them all. Class-first draws take a class, then one of its GIFs, all
alike. Every class gets its share, and common classes get several times that, since they come along with others.

`even` are class-first draws with fitted shares: r(GIF) = sum over its labels of share(c) / n(c). A class that comes
along anyway gets a smaller share of its own, until the expected draws of all classes are as even as they can be. Not
everything can be even: a label on half of all GIFs comes along with every second one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Scheme = Literal["even", "repeat_factors", "natural"]
_NUM_ROUNDS = 100
_MAX_SHIFT = np.log(8)
"""A share stays within 8 times the median one. Otherwise GIFs whose only class comes along with all others would never
be drawn."""
_THRESHOLD = 1e-3
"""t of repeat factors as published for LVIS: labels on fewer than one GIF in a thousand are repeated."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LabelLists:
    """The classes of n GIFs. Those of GIF i are classes[offsets[i] : offsets[i + 1]], each once, below num_classes."""

    offsets: NDArray[np.int64]  # (n + 1,)
    classes: NDArray[np.int32]
    num_classes: int

    @property
    def num_labels(self) -> NDArray[np.int64]:
        """How many classes each GIF has, (n,)."""
        return np.diff(self.offsets)

    def count(self, rates: Floats) -> Floats:
        """The expected draws of each class, (num_classes,), where GIF i is drawn rates[i] times."""
        weights = np.repeat(rates, self.num_labels)
        return np.bincount(self.classes, weights, self.num_classes).astype(np.float64)


def draw_rates(labels: LabelLists, scheme: Scheme, num_draws: int, max_repeats: float) -> Floats:
    """How often each GIF is drawn in an epoch of num_draws draws, on average, (n,); 0 for a GIF without a class.

    No rate is above max_repeats, so a class of five GIFs gets at most five times that. An epoch is shorter where every
    GIF has reached max_repeats. `natural` draws all alike. Cost: `even` goes through the labels 100 times, each half a
    second for 30 million of them.
    """
    if scheme == "natural":
        rates = (labels.num_labels > 0).astype(np.float64)
    elif scheme == "repeat_factors":
        rates = _repeat_factors(labels)
    else:
        return _even_rates(labels, num_draws, max_repeats)
    return _scaled(rates, num_draws, max_repeats)


def _repeat_factors(labels: LabelLists) -> Floats:
    num_gifs = len(labels.num_labels)
    counts = np.bincount(labels.classes, minlength=labels.num_classes)
    factors = np.maximum(1, np.sqrt(_THRESHOLD * num_gifs / np.maximum(counts, 1)))
    return _reduced(np.maximum, factors, labels)


def _even_rates(labels: LabelLists, num_draws: int, max_repeats: float) -> Floats:
    counts = np.maximum(np.bincount(labels.classes, minlength=labels.num_classes), 1)
    logs = np.zeros(labels.num_classes)  # of the shares, but for one factor for all
    rates = np.zeros(len(labels.num_labels))
    for _ in range(_NUM_ROUNDS):
        rates = _scaled(_reduced(np.add, np.exp(logs) / counts, labels), num_draws, max_repeats)
        draws = np.maximum(labels.count(rates), 1e-9)
        logs += 0.5 * (np.log(_level(max_repeats * counts, draws.sum())) - np.log(draws))
        logs = np.clip(logs - np.median(logs), -_MAX_SHIFT, _MAX_SHIFT)
    return rates


def _level(limits: Floats, total: float) -> Floats:
    """Equal numbers that add up to total, except that none is above its limit; those get their limit."""
    ordered = np.sort(limits)
    below = np.concatenate([[0.0], np.cumsum(ordered)[:-1]])
    levels = (total - below) / np.arange(len(ordered), 0, -1)
    fits = np.flatnonzero(levels <= ordered)
    return limits if not len(fits) else np.minimum(limits, levels[fits[0]])


def _reduced(operation: np.ufunc, factors: Floats, labels: LabelLists) -> Floats:
    """`operation` over the factors of each GIF's classes, (n,); 0 where it has none."""
    found = np.zeros(len(labels.num_labels))
    some = labels.num_labels > 0
    if some.any():
        found[some] = operation.reduceat(factors[labels.classes], labels.offsets[:-1][some])
    return found


def _scaled(rates: Floats, num_draws: int, max_repeats: float) -> Floats:
    """The rates times one factor, cut at max_repeats, so that they add up to num_draws or as near as the cut allows."""
    for _ in range(20):
        total = rates.sum()
        if total == 0 or total >= num_draws * (1 - 1e-6):
            return np.minimum(rates * (min(1.0, num_draws / total) if total else 1.0), max_repeats)
        rates = np.minimum(rates * (num_draws / total), max_repeats)
    return rates


def evenness(draws: Floats) -> float:
    """Entropy of the draws over the classes, over its largest possible value. It is 1 if all classes get the same."""
    shares = draws[draws > 0] / draws.sum()
    return float(-(shares * np.log(shares)).sum() / np.log(max(len(draws), 2)))
