"""How far a measure would move if other GIFs had been measured. All variants share the same resampled GIFs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from autotag_core.evaluation.per_gif import PerGif
from autotag_core.evaluation.tag_pairs import Bools, Floats, Ints

MEASURES = ("precision_at_1", "added_at_1", "missing_recall_at_5", "auc")
"""The measures of Quality that are resampled."""


@dataclass(frozen=True)
class ScoreLevels:
    """Original tags sorted into their distinct scores once, so that a resample's AUC needs no sorting."""

    num: int
    right_levels: Ints
    right_owners: Ints
    wrong_levels: Ints
    wrong_owners: Ints

    @classmethod
    def of(cls, scores: Floats, is_right: Bools, owners: Ints) -> ScoreLevels:
        """From each tag's score, rightness and GIF (m,)."""
        distinct, levels = np.unique(scores, return_inverse=True)
        return cls(len(distinct), levels[is_right], owners[is_right], levels[~is_right], owners[~is_right])

    def area_under_curve(self, weights: Ints) -> float:
        """The chance that a right tag scores above a wrong one, ties half, where GIF i counts weights[i] times.

        NaN where no right or no wrong tag counts. Sums are of whole numbers and halves: exact up to 2**53 pairs.
        """
        right = np.bincount(self.right_levels, weights=weights[self.right_owners], minlength=self.num)
        wrong = np.bincount(self.wrong_levels, weights=weights[self.wrong_owners], minlength=self.num)
        num_pairs = right.sum() * wrong.sum()
        below = np.cumsum(wrong) - wrong / 2
        return float((right * below).sum() / num_pairs) if num_pairs else float("nan")


def resampled_measures(variants: Sequence[PerGif], num_gifs: int, num_resamples: int, seed: int) -> Floats:
    """MEASURES (num_resamples, variants, 4) over GIFs drawn with replacement, the same for all variants of a resample.

    All `num_gifs` measured GIFs are drawn from, also those that only tell something by their original tags. NaN where a
    resample has nothing to measure. Efron and Tibshirani 1993.
    """
    rng = np.random.default_rng(seed)
    parts = [_parts(variant, num_gifs) for variant in variants]
    measures = np.empty((num_resamples, len(variants), len(MEASURES)))
    for resample in measures:
        weights = np.bincount(rng.integers(num_gifs, size=num_gifs), minlength=num_gifs)
        for i, (numerators, denominators, levels) in enumerate(parts):
            below = denominators @ weights
            ratios = (numerators @ weights) / np.where(below > 0, below, np.nan)
            resample[i] = *ratios, levels.area_under_curve(weights)
    return measures


def _parts(variant: PerGif, num_gifs: int) -> tuple[Ints, Ints, ScoreLevels]:
    """Numerators and denominators (3, num_gifs) of the three ratios, and the original tags for the AUC."""
    lacks = (variant.num_missing > 0).astype(np.int64)
    numerators, denominators = np.zeros((2, 3, num_gifs), np.int64)
    numerators[:, variant.gifs] = variant.right_at_1, variant.added_at_1 * lacks, variant.num_found
    denominators[:, variant.gifs] = np.ones_like(lacks), lacks, variant.num_missing
    return numerators, denominators, ScoreLevels.of(variant.scores, variant.is_right, variant.owners)
