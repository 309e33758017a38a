"""The two curves from a score to a probability: Platt's sigmoid and isotonic regression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from autotag_core.votes.judge.reliability import Bin

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Knots = tuple[tuple[float, float], ...]
"""(score, probability) pairs; scores rise, probabilities never fall."""

MAX_KNOTS = 200
_SCORE_EDGE = 1e-6  # scores are clipped this far from 0 and 1, where the logit is infinite
_MIN_SPREAD = 1e-6  # of logits: below it rounding, not the score, would tell two tags apart


@dataclass(frozen=True)
class Curve:
    """Probability by score for one kind of tags, never falling. Without a method there is no curve, for `reason`."""

    num_gifs: int
    num_rows: int
    method: Literal["isotonic", "platt"] | None = None
    reason: str | None = None
    slope: float = 0.0
    """Platt: probability = expit(slope * logit(score) + intercept), slope at least 0."""
    intercept: float = 0.0
    knots: Knots = ()
    """Isotonic: (score, probability), straight lines in between, level outside."""
    isotonic_log_loss: float | None = None
    """Of out-of-fold probabilities, nats a row. The method was chosen by it."""
    platt_log_loss: float | None = None
    reliability: tuple[Bin, ...] = ()
    """Of out-of-fold probabilities."""
    ece: float | None = None

    def __post_init__(self) -> None:
        if self.method is None and not self.reason:
            raise ValueError("a curve without a method needs a reason")
        if self.method == "platt" and not (self.slope >= 0 and np.isfinite([self.slope, self.intercept]).all()):
            raise ValueError(f"slope {self.slope} and intercept {self.intercept} must be finite, the slope 0 or more")
        if self.method == "isotonic":
            knots = np.asarray(self.knots, np.float64)
            inside = len(knots) > 0 and bool((knots >= 0).all() and (knots <= 1).all())
            if not (inside and (np.diff(knots[:, 0]) > 0).all() and (np.diff(knots[:, 1]) >= 0).all()):
                raise ValueError("knots must be pairs of 0..1, scores rising and probabilities not falling")

    def probabilities(self, scores: Floats) -> Floats:
        """The probabilities (n,) of scores (n,) 0..1; NaN where the curve has no method."""
        if self.method is None:
            return np.full(len(scores), np.nan)
        if self.method == "platt":
            return sigmoid(scores, self.slope, self.intercept)
        return interpolated(scores, self.knots)


def fit_isotonic(scores: Floats, is_right: Bools) -> Knots:
    """The rising steps nearest to the outcomes (n,), as at most MAX_KNOTS knots.

    Probabilities stay 1 / (n + 2) away from 0 and 1, as the rule of succession says of n equal outcomes. A step on
    which all happened to be right is not certain.
    """
    from sklearn.isotonic import IsotonicRegression

    edge = 1 / (len(scores) + 2)
    fitted = IsotonicRegression(y_min=edge, y_max=1 - edge).fit(scores, is_right.astype(np.float64))
    rising, values = np.asarray(fitted.X_thresholds_, np.float64), np.asarray(fitted.y_thresholds_, np.float64)
    kept = np.unique(np.linspace(0, len(rising) - 1, min(MAX_KNOTS, len(rising))).round().astype(int))
    return tuple(zip(rising[kept].tolist(), np.maximum.accumulate(values[kept]).tolist(), strict=True))


def fit_platt(scores: Floats, is_right: Bools) -> tuple[float, float]:
    """Slope and intercept over the logit of the score, by maximum likelihood.

    The outcomes are Platt's (1999): (right + 1) / (right + 2) and 1 / (wrong + 2) in place of 1 and 0. So the fit is
    finite even if a score separates right from wrong. The slope is negative if high scores are the wrong ones.
    """
    from sklearn.linear_model import LogisticRegression

    num_right = int(is_right.sum())
    targets = np.where(is_right, (num_right + 1) / (num_right + 2), 1 / (len(is_right) - num_right + 2))
    logits = _logit(scores)
    middle, spread = float(logits.mean()), float(logits.std())
    if spread < _MIN_SPREAD:
        share = float(targets.mean())
        return 0.0, float(np.log(share / (1 - share)))
    standard = ((logits - middle) / spread)[:, None]
    # an outcome of 0.9 is a right row of weight 0.9 and a wrong one of weight 0.1
    outcomes = np.repeat([1, 0], len(scores))
    model = LogisticRegression(C=np.inf, solver="newton-cholesky")
    model.fit(np.concatenate([standard, standard]), outcomes, np.concatenate([targets, 1 - targets]))
    slope = float(model.coef_[0, 0]) / spread
    return slope, float(model.intercept_[0]) - slope * middle


def interpolated(scores: Floats, knots: Knots) -> Floats:
    """Probabilities (n,) on the straight lines between knots, level outside."""
    points = np.asarray(knots, np.float64)
    return np.asarray(np.interp(scores, points[:, 0], points[:, 1]), np.float64)


def sigmoid(scores: Floats, slope: float, intercept: float) -> Floats:
    """Probabilities (n,) = expit(slope * logit(score) + intercept)."""
    return np.asarray(np.exp(-np.logaddexp(0, -(slope * _logit(scores) + intercept))), np.float64)


def log_loss(probabilities: Floats, is_right: Bools) -> float:
    """Mean -log of the probability of what happened, nats. A probability of 0 counts as 1e-15."""
    return float(-np.mean(np.log(np.maximum(np.where(is_right, probabilities, 1 - probabilities), 1e-15))))


def _logit(scores: Floats) -> Floats:
    inside = np.clip(scores, _SCORE_EDGE, 1 - _SCORE_EDGE)
    return np.asarray(np.log(inside) - np.log1p(-inside), np.float64)
