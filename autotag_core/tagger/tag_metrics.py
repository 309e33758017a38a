"""How good a ranking of tags is, against tags that are known to be right: P@k, recall, mAP, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autotag_core.votes import expected_calibration_error, reliability_table

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
RESAMPLES = 200
INTERVAL = (2.5, 97.5)
NAMES = ("p_at_1", "p_at_3", "recall_at_5", "map_macro", "map_micro", "ece")


@dataclass(frozen=True)
class Measure:
    """A measure, and the 95% interval that other GIFs would have given."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassMeasure:
    """A class: average precision, and how many of the GIFs have it."""

    label: str
    average_precision: float
    num_gifs: int


@dataclass(frozen=True)
class TagMetrics:
    """The measures of NAMES, and each class that a GIF has. `ece` is over all pairs of a GIF and a class."""

    num_gifs: int
    measures: dict[str, Measure]
    classes: tuple[ClassMeasure, ...]

    def values(self) -> dict[str, float]:
        """Each measure by name, without its interval."""
        return {name: measure.value for name, measure in self.measures.items()}


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured of a tagger, and on which GIFs: their probabilities (n, c) and right tags (n, c)."""

    split: str
    metrics: TagMetrics
    probabilities: Floats
    is_right: Bools
    sizes: dict[str, int]
    """GIFs of each part of the data."""
    search_coverage: float | None = None
    """See search_coverage; None where no searches are known."""


def measure_tags(probabilities: Floats, is_right: Bools, labels: Sequence[str], seed: int = 7) -> TagMetrics:
    """The metrics of probabilities (n, c) against right tags (n, c). GIFs without a right class are left out.

    Ties of a GIF's tags go to the earlier class. Intervals: RESAMPLES of the GIFs with replacement (Efron and
    Tibshirani 1993).
    """
    measured = is_right.any(axis=1)
    probabilities, is_right = probabilities[measured].astype(np.float64), is_right[measured]
    if not len(is_right):
        return TagMetrics(0, {}, ())
    by_gif = _by_gif(probabilities, is_right)
    by_class, by_pair = (
        _Ranking(probabilities.T, is_right.T),
        _Ranking(probabilities.reshape(1, -1), is_right.reshape(1, -1)),
    )
    num = len(is_right)
    rng = np.random.default_rng(seed)
    draws = [np.ones(num)]
    draws += [np.bincount(rng.integers(num, size=num), minlength=num).astype(np.float64) for _ in range(RESAMPLES)]
    rows = []
    for weights in draws:
        found = [float((column * weights).sum() / weights.sum()) for column in by_gif]
        macro = by_class.average_precisions(weights)
        micro = by_pair.average_precisions(np.repeat(weights, is_right.shape[1]))
        rows.append([*found, float(np.nanmean(macro)), float(micro[0])])
    values = np.array(rows)
    low, high = np.nanpercentile(values[1:], INTERVAL, axis=0)
    measures = {name: Measure(*map(float, row)) for name, *row in zip(NAMES, values[0], low, high, strict=False)}
    ece = expected_calibration_error(reliability_table(probabilities.ravel(), is_right.ravel()))
    measures["ece"] = Measure(float(ece or 0), *_ece_interval(probabilities, is_right, draws[1:]))
    counts = is_right.sum(axis=0)
    precisions = by_class.average_precisions(draws[0])
    classes = [
        ClassMeasure(labels[at], float(precisions[at]), int(counts[at])) for at in range(len(labels)) if counts[at]
    ]
    return TagMetrics(num, measures, tuple(classes))


def _by_gif(probabilities: Floats, is_right: Bools) -> list[Floats]:
    """P@1, P@3 and recall@5 of each GIF."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    ranked = np.take_along_axis(is_right, order, axis=1)
    return [
        ranked[:, 0].astype(np.float64),
        ranked[:, :3].mean(axis=1),
        ranked[:, :5].sum(axis=1) / is_right.sum(axis=1),
    ]


def _ece_interval(probabilities: Floats, is_right: Bools, draws: Sequence[NDArray]) -> tuple[float, float]:
    """Whole GIFs are drawn, since a GIF's tags are not independent."""
    found = []
    for weights in draws:
        rows = np.repeat(np.arange(len(weights)), weights.astype(int))
        bins = reliability_table(probabilities[rows].ravel(), is_right[rows].ravel())
        found.append(expected_calibration_error(bins) or 0.0)
    low, high = np.percentile(found, INTERVAL)
    return float(low), float(high)


class _Ranking:
    """Rows (r, m) of scores, sorted once, so that a resample costs no sorting."""

    def __init__(self, scores: Floats, is_right: Bools) -> None:
        self._order = np.argsort(-scores, axis=1, kind="stable")
        ranked = np.take_along_axis(scores, self._order, axis=1)
        self._right = np.take_along_axis(is_right, self._order, axis=1)
        # each place's last one of the same score: ties share the precision at their end
        places = np.arange(scores.shape[1])
        is_last = np.concatenate([ranked[:, 1:] != ranked[:, :-1], np.ones((len(ranked), 1), bool)], axis=1)
        self._ends = np.flip(np.minimum.accumulate(np.flip(np.where(is_last, places, len(places)), 1), axis=1), 1)

    def average_precisions(self, weights: Floats) -> Floats:
        """Average precision (r,), where column i counts weights[i] times; NaN where a row has no right one."""
        counted = np.asarray(weights, np.float64)[self._order]
        right = counted * self._right
        precision = np.cumsum(right, axis=1) / np.maximum(np.cumsum(counted, axis=1), 1e-12)
        total = right.sum(axis=1)
        sums = (np.take_along_axis(precision, self._ends, axis=1) * right).sum(axis=1)
        return sums / np.where(total > 0, total, np.nan)
