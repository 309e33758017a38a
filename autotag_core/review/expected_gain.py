"""How much is to be gained by an editor's word on a tag: unsure, often viewed, and unlike what was asked before."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NOTHING_KNOWN = 0.5
"""The chance that is taken for a tag of which nobody knows anything."""
VIEWS = 0.25
"""Exponent of the views, plus ten: a GIF with ten thousand times the views of another one counts ten times."""
NOVELTY = 0.25
"""Exponent of how often a tag was asked before: the fourth question about a tag counts 0.7 of the first."""
OWN_SHARE = 0.2
"""Of the queue, own tags. The judge has one model for own tags and one for new ones, and new ones are harder."""
UNSURE_SHARE = 0.15
"""Of new tags without a probability, those whose score is above the unsure one: few of them are right."""
_LEAST = 1e-4


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
    return np.asarray(uncertainty(chances, thresholds) * np.power(popularity + 10.0, VIEWS))


def order_by_gain(gains: Floats, gifs: Ints, tags: Ints, asked: Ints, is_own: Bools, most_of_a_gif: int) -> Ints:
    """The places of rows (n,) in the order in which to ask, the best first.

    A tag's gain is divided by a root of 1 + how often the tag was asked of other GIFs: before, `asked` by number of
    tag, and in rows ahead of it. Of a GIF only its `most_of_a_gif` best rows are there. Own tags come in between, one
    in five, as long as there are both kinds. Ties go by place.
    """
    kept = np.flatnonzero(rank_in_group(gains, gifs) < most_of_a_gif)
    before = asked[tags[kept]] + rank_in_group(gains[kept], tags[kept])
    values = gains[kept] / np.power(1.0 + before, NOVELTY)
    shares = np.where(is_own[kept], OWN_SHARE, 1 - OWN_SHARE)
    turns = (rank_in_group(values, is_own[kept].astype(np.int64)) + 0.5) / shares
    return np.asarray(kept[np.lexsort((kept, turns))])


def rank_in_group(gains: Floats, groups: Ints) -> Ints:
    """(n,) the place of each row among those of its group, the greatest gain first, from 0."""
    order = np.lexsort((np.arange(len(gains)), -gains, groups))
    ordered = groups[order]
    begins = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    ranks = np.empty(len(gains), np.int64)
    ranks[order] = np.arange(len(gains)) - np.repeat(begins, np.diff(np.append(begins, len(ordered))))
    return ranks


def _log_odds(chances: Floats) -> Floats:
    bounded = np.clip(chances, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(bounded / (1 - bounded)))
