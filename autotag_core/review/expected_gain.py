"""How much is to be gained by an editor's word on a tag: unsure, often viewed, and unlike what was asked before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NOTHING_KNOWN = 0.5
"""The chance that is taken for a tag of which nobody knows anything."""
VIEWS = 0.25
"""Exponent of the views, plus ten: a GIF with ten thousand times the views of another one counts ten times."""
NOVELTY = 0.5
"""Exponent of how often an own tag was asked before: the fourth question about it counts half of the first. New tags
have none: there it lost."""
OWN_SHARE = 0.2
"""Of the queue, own tags. The judge has one model for own tags and one for new ones, and new ones are harder."""
UNSURE_SHARE = 0.15
"""Of new tags without a probability, those whose score is above the unsure one: few of them are right."""
RIDGE = 0.3
"""One over the variance of the judge's weights before anything is asked."""
_LEAST, _VOTES_EDGE = 1e-4, 0.1


def uncertainty(chances: Floats, thresholds: Floats) -> Floats:
    """(n,) 0..1: 1 for a chance (n,) at its threshold (n,), less the further away in log odds.

    It is 4 q (1 - q), where q is the chance with its log odds moved so that the threshold is at a half.
    """
    odds = _log_odds(np.where(np.isnan(chances), NOTHING_KNOWN, chances)) - _log_odds(thresholds)
    moved = 1 / (1 + np.exp(-odds))
    return np.asarray(4 * moved * (1 - moved))


def unsure_score(scores: Floats) -> float:
    """The score that counts as unsure of new tags that nobody has calibrated; a half where there are none."""
    return float(np.quantile(scores, 1 - UNSURE_SHARE)) if len(scores) else NOTHING_KNOWN


def gain(chances: Floats, thresholds: Floats, popularity: Ints) -> Floats:
    """(n,) what is to be gained by asking each tag alone: uncertainty times a root of the GIF's views."""
    return np.asarray(uncertainty(chances, thresholds) * _worth(popularity))


def evidence_features(votes: Floats, chances: Floats) -> Floats:
    """(n, 2 experts + 1) what the judge may learn from: votes (n, experts) by root and logarithm, and log odds."""
    known = np.where(np.isnan(chances), NOTHING_KNOWN, chances)
    return np.column_stack([np.sqrt(votes), np.log(votes + _VOTES_EDGE), _log_odds(known)])


@dataclass(frozen=True, eq=False)
class Questions:
    """What may be asked, n rows: how unsure each is, 0..1, the evidence on it, its GIF's views, its GIF, its tag."""

    unsure: Floats
    features: Floats  # (n, f)
    views: Ints
    gifs: Ints
    tags: Ints
    is_own: Bools


def order_by_gain(questions: Questions, asked: Ints, number: int, most_of_a_gif: int) -> Ints:
    """The places of `number` rows in the order in which to ask: each time the row from which most is to be gained.

    That is how much an answer lowers the mean variance of all rows' log odds, if the judge is a logistic regression on
    `features` with a ridge: V-optimal design (Atkinson, Donev and Tobias 2007). It counts times a root of the GIF's
    views. Of an own tag it is divided by a root of 1 + how often the tag was asked of other GIFs: before, `asked` by
    number of tag, and in rows ahead of it. Own and new tags have a judge each, and one row in five is an own one as
    long as there are both. Of a GIF at most `most_of_a_gif` rows are asked. Ties go by place.

    Time: number x n x f^2.
    """
    kinds = [_Kind(questions, ~questions.is_own, 1 - OWN_SHARE), _Kind(questions, questions.is_own, OWN_SHARE)]
    asked, order = asked.copy(), []
    of_gifs = np.zeros(int(questions.gifs.max(initial=-1)) + 1, np.int64)
    for _ in range(number):
        left = [kind for kind in kinds if kind.is_open.any()]
        if not left:
            break
        row = min(left, key=lambda kind: kind.turn).ask(asked)
        order.append(row)
        asked[questions.tags[row]] += 1
        of_gifs[questions.gifs[row]] += 1
        if of_gifs[questions.gifs[row]] == most_of_a_gif:
            for kind in kinds:
                kind.is_open &= questions.gifs[kind.rows] != questions.gifs[row]
    return np.array(order, np.int64)


class _Kind:
    """Own or new tags: which may be asked, and what is known of their judge's weights after those that were."""

    def __init__(self, questions: Questions, is_kind: Bools, share: float) -> None:
        self.rows = np.flatnonzero(is_kind)
        self.is_open = np.ones(len(self.rows), bool)
        self._tags, self._share, self._num = questions.tags[self.rows], share, 0
        self._novelty = np.where(questions.is_own[self.rows], NOVELTY, 0.0)
        self._worth = _worth(questions.views[self.rows])
        self._information = questions.unsure[self.rows] / 4
        self._design = np.column_stack([_standardised(questions.features[self.rows]), np.ones(len(self.rows))])
        self._target = self._design.T @ self._design
        ridge = np.full(self._design.shape[1], RIDGE)
        ridge[-1] = 1e-3  # the intercept is all but free
        self._covariance = np.diag(1 / ridge)

    @property
    def turn(self) -> float:
        """Whose is the least, is asked next."""
        return (self._num + 0.5) / self._share

    def ask(self, asked: Ints) -> int:
        """Choose the best open row, and count it as answered (Sherman and Morrison's formula)."""
        moved = self._design @ self._covariance
        known = 1 + self._information * (moved * self._design).sum(axis=1)
        lowered = self._information * (moved @ self._target * moved).sum(axis=1) / known
        gains = lowered * self._worth / np.power(1.0 + asked[self._tags], self._novelty)
        at = int(np.argmax(np.where(self.is_open, gains, -1.0)))
        self._covariance -= self._information[at] / known[at] * np.outer(moved[at], moved[at])
        self.is_open[at] = False
        self._num += 1
        return int(self.rows[at])


def _standardised(features: Floats) -> Floats:
    if not len(features):
        return features
    spread = features.std(axis=0)
    return np.asarray((features - features.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0))


def _worth(views: Ints) -> Floats:
    return np.asarray(np.power(views + 10.0, VIEWS))


def _log_odds(chances: Floats) -> Floats:
    bounded = np.clip(chances, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(bounded / (1 - bounded)))
