"""From a vote's score to the probability that its tag is right, learned on GIFs whose right tags are known."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autotag_core.errors import InputError
from autotag_core.votes.judge.curves import Curve, fit_isotonic, fit_platt, interpolated, log_loss, sigmoid
from autotag_core.votes.judge.reliability import (
    Bin,
    check_rows,
    check_shares,
    expected_calibration_error,
    reliability_table,
)

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

NUM_FOLDS = 5


@dataclass(frozen=True)
class Calibration:
    """A curve for tags that somebody gave a GIF and one for tags proposed to it. A few KB, small enough to send."""

    own: Curve
    proposed: Curve
    reliability: tuple[Bin, ...] = ()
    """The reliability of the out-of-fold probabilities of both kinds together."""
    ece: float | None = None

    def apply(self, scores: npt.ArrayLike, is_own: npt.ArrayLike) -> Floats:
        """The probability (n,) float64 that each row is right; NaN where its kind has no curve. Scores are 0..1."""
        values, own = np.asarray(scores, np.float64), np.asarray(is_own, bool)
        check_rows({"scores": values, "is_own": own})
        check_shares("scores", values)
        return np.where(own, self.own.probabilities(values), self.proposed.probabilities(values))

    def to_json(self) -> str:
        """One JSON object that `from_json` reads back to an equal calibration."""
        return json.dumps(dataclasses.asdict(self), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """The calibration that `to_json` wrote. InputError lists what is missing or wrong."""
        from pydantic import TypeAdapter, ValidationError

        try:
            return TypeAdapter(cls).validate_json(text)
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, found['loc'])) or 'text'}: {found['msg']}" for found in error.errors()]
            raise InputError(f"not a calibration: {'; '.join(problems[:5])}") from None


def fit_calibration(
    scores: npt.ArrayLike,
    is_own: npt.ArrayLike,
    is_right: npt.ArrayLike,
    groups: npt.ArrayLike,
    min_gifs: int,
    seed: int,
) -> Calibration:
    """The calibration of `cross_fit`, for scores that did not learn from these rows."""
    return cross_fit(scores, is_own, is_right, groups, min_gifs, seed)[0]


def cross_fit(
    scores: npt.ArrayLike,
    is_own: npt.ArrayLike,
    is_right: npt.ArrayLike,
    groups: npt.ArrayLike,
    min_gifs: int,
    seed: int,
    scores_learned_from: Callable[[Bools], Floats] | None = None,
) -> tuple[Calibration, Floats]:
    """Fit both curves on candidate (GIF, tag) rows of GIFs with a truth. Arrays (n,); the rows' order does not matter.

    `scores` are 0..1, `is_own` whether the GIF came with the tag, `is_right` whether the truth has it, `groups` the
    number of its GIF. A kind gets no curve, and a reason, if it has fewer than `min_gifs` GIFs (never fewer than
    NUM_FOLDS), or its rows are all right or all wrong. The method is the one with the lower log loss over NUM_FOLDS
    folds, none of which splits a GIF. Ties go to Platt, which has two parameters. InputError: lengths differ, or a
    score is not 0..1. Platt 1999; Zadrozny and Elkan 2002 for isotonic.

    Also returns each row's out-of-fold probability (n,), NaN without a curve. If the scores rest on something that was
    learned from these rows, `scores_learned_from(rows)` must learn it again from the given rows alone and score all
    (n,). It is asked once a fold, so that nothing behind a row's probability has seen its GIF.
    """
    columns = {
        "groups": np.asarray(groups, np.int64),
        "scores": np.asarray(scores, np.float64),
        "is_right": np.asarray(is_right, bool),
        "is_own": np.asarray(is_own, bool),
    }
    check_rows(columns)
    check_shares("scores", columns["scores"])
    folds = gif_folds(columns["groups"], NUM_FOLDS, seed)
    by_fold = np.broadcast_to(columns["scores"], (NUM_FOLDS, len(folds)))
    if scores_learned_from is not None:
        by_fold = np.array([scores_learned_from(folds != fold) for fold in range(NUM_FOLDS)])
        check_shares("scores of a fold", by_fold.ravel())
    # the last digit of a sum depends on the order, and Spark delivers rows in any order
    order = np.lexsort(tuple(columns.values()))
    gifs, values, right, own = (column[order] for column in columns.values())
    curves, out_of_fold = {}, np.full(len(order), np.nan)
    for kind, chosen in (("own", own), ("proposed", ~own)):
        rows = _Rows(values[chosen], right[chosen], gifs[chosen], folds[order][chosen], by_fold[:, order][:, chosen])
        curves[kind], out_of_fold[order[chosen]] = _fit_curve(rows, min_gifs)
    bins = reliability_table(out_of_fold[order], right)
    return Calibration(curves["own"], curves["proposed"], tuple(bins), expected_calibration_error(bins)), out_of_fold


def gif_folds(groups: Ints, num_folds: int, seed: int) -> Ints:
    """The fold of each row (n,), 0..num_folds - 1. All rows of a GIF share one; folds differ by at most one GIF."""
    distinct, rows = np.unique(groups, return_inverse=True)
    return np.asarray(np.random.default_rng(seed).permutation(len(distinct)) % num_folds)[rows]


@dataclass(frozen=True)
class _Rows:
    """The rows of one kind: scores, outcomes, GIFs and folds (n,), and for each fold scores that know nothing of it."""

    scores: Floats
    is_right: Bools
    gifs: Ints
    folds: Ints
    by_fold: Floats  # (NUM_FOLDS, n)


def _fit_curve(rows: _Rows, min_gifs: int) -> tuple[Curve, Floats]:
    """The curve of one kind and the out-of-fold probability of its rows (n,)."""
    scores, is_right = rows.scores, rows.is_right
    num_gifs, num_right = len(np.unique(rows.gifs)), int(is_right.sum())
    empty = Curve(num_gifs, len(scores), reason="not fitted")
    nothing = np.full(len(scores), np.nan)
    needed = max(min_gifs, NUM_FOLDS)
    if num_gifs < needed:
        return dataclasses.replace(empty, reason=f"{num_gifs:,} GIFs with such tags, {needed:,} are needed"), nothing
    if num_right in (0, len(scores)):
        kind = "right" if num_right else "wrong"
        return dataclasses.replace(empty, reason=f"all {len(scores):,} tags are {kind}"), nothing
    isotonic, platt = _out_of_fold(rows)
    losses = log_loss(isotonic, is_right), log_loss(platt, is_right)
    empty = dataclasses.replace(empty, isotonic_log_loss=losses[0], platt_log_loss=losses[1])
    if losses[0] < losses[1]:
        fitted = dataclasses.replace(empty, reason=None, method="isotonic", knots=fit_isotonic(scores, is_right))
        return _with_reliability(fitted, isotonic, is_right)
    slope, intercept = fit_platt(scores, is_right)
    if slope < 0:
        reason = f"tags with a higher score are less often right (slope {slope:.3f})"
        return dataclasses.replace(empty, reason=reason), nothing
    fitted = dataclasses.replace(empty, reason=None, method="platt", slope=slope, intercept=intercept)
    return _with_reliability(fitted, platt, is_right)


def _out_of_fold(rows: _Rows) -> tuple[Floats, Floats]:
    """Each row's probability (n,) by the isotonic and by the Platt curve of the other folds."""
    isotonic, platt = np.empty(len(rows.scores)), np.empty(len(rows.scores))
    for fold, scores in enumerate(rows.by_fold):
        held, rest = rows.folds == fold, rows.folds != fold
        if held.any() and rest.any():
            isotonic[held] = interpolated(scores[held], fit_isotonic(scores[rest], rows.is_right[rest]))
            platt[held] = sigmoid(scores[held], *fit_platt(scores[rest], rows.is_right[rest]))
        else:  # all rows belong to one fold's GIFs
            isotonic[held] = platt[held] = rows.is_right.mean()
    return isotonic, platt


def _with_reliability(curve: Curve, out_of_fold: Floats, is_right: Bools) -> tuple[Curve, Floats]:
    bins = reliability_table(out_of_fold, is_right)
    return dataclasses.replace(curve, reliability=tuple(bins), ece=expected_calibration_error(bins)), out_of_fold
