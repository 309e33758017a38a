"""Voting rules: evidence on (GIF, tag) pairs in, a score for each out. All have one signature."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autotag_core.config import VoteConfig
from autotag_core.votes.evidence.evidence import Bools, Evidence, Floats
from autotag_core.votes.judge.learned import Learned


@dataclass(frozen=True)
class ExpertWeight:
    """How far an expert is trusted: as published, on tags the GIF does not have, and on tags of the GIF itself."""

    published: float
    on_new_tags: float
    on_own_tags: float = 1.0


@dataclass(frozen=True)
class Weights:
    """Weight of each expert by name and, for tags of the GIF itself, of its other tags and of its uploader's word.

    together: factor of Evidence.together. as_new: factor of the tag's score as a new one. own_log_odds: log odds that
    an uploader's tag is right, before all evidence. learned: what vote.rule=learned judges by; None where too little is
    known to learn from.
    """

    experts: Mapping[str, ExpertWeight]
    together: float = 1.0
    as_new: float = 0.0
    own_log_odds: float = math.log(0.85 / 0.15)
    learned: Learned | None = None


Rule = Callable[[Evidence, Weights, VoteConfig], Floats]

_SLIP_LOG_ODDS = math.log(0.9 / 0.1)
"""Log odds that a tag which looks like a slip is one, whatever its GIF: 27 of 29 were, on the animated emoji."""
_MAX_RATIO = 6.0
_AS_NEW = 5.0
"""Scales a score as a new tag, 0..1, to the size of a log likelihood ratio."""


def published(evidence: Evidence, weights: Weights, config: VoteConfig) -> Floats:
    """Sum over experts of weight times neighbors with the tag, over the largest vote that any GIF could get.

    Every expert's neighbors count alike. A GIF's own tags are judged like any other, except that a new tag whose vote
    is below vote.lower_bound has none. With vote.normalise=max the vote is over the largest of the GIF's pairs, which
    must all be here. It is udfs/votes/votes.py in numpy, for evidence that was gathered without slips.
    """
    vote = np.zeros(len(evidence))
    possible = 0.0
    for name in _judged(evidence, weights):
        vote += weights.experts[name].published * evidence.experts[name].votes
        possible += weights.experts[name].published * config.neighbors
    largest = np.full(len(evidence), possible)
    if config.normalise == "max" and len(evidence):
        of_gif = np.zeros(evidence.gifs.max() + 1)
        np.maximum.at(of_gif, evidence.gifs, vote)
        largest = of_gif[evidence.gifs]
    share = np.minimum(np.divide(vote, largest, out=np.zeros(len(vote)), where=largest > 0), 1.0)
    is_original = evidence.is_own | evidence.is_editorial
    return np.where(is_original | (vote >= config.lower_bound), share, 0.0)


def published_confidence(evidence: Evidence, weights: Weights, config: VoteConfig) -> Floats:
    """The published rule's confidence in the pairs (n,) of train GIFs; 0: the tag is not in its dataset."""
    names = _judged(evidence, weights)
    voted, seen = np.zeros(len(evidence), bool), np.zeros(len(evidence), bool)
    for name in names:
        voted |= evidence.experts[name].votes > 0
        seen |= ~np.isnan(evidence.experts[name].share)
    kept = np.where(voted | ~seen | evidence.is_editorial, 1.0, config.unconfirmed_confidence)
    return np.where(evidence.is_own | evidence.is_editorial, kept, published(evidence, weights, config))


def reliability(evidence: Evidence, weights: Weights, config: VoteConfig) -> Floats:
    """Each expert heard on the tags that it can see, and a GIF's own tags judged by what did not come from them.

    A tag the GIF does not have: mean over experts, by their weights on new tags, of trust times share. An expert's
    trust on a tag is 1 - 1 / lift. If its neighbors of a GIF with the tag have it no more often than any GIF, the lift
    is 1: the expert can't see the tag and has no say on it. What a slip of the uploader meant is as good as said.

    A tag of the GIF itself: the chance that it is right, from log odds of own_log_odds and the sum of what
    `own_tag_evidence` says, each by its weight on own tags. A tag that a near duplicate came with is judged like the
    GIF's own: its uploader looked at the same picture.

    A tag that looks like a slip is one with the odds that the GIF speaks for what it may have meant. `horn` is a slip
    beside devils, not beside trumpets. The meant tag gets these odds; the written one gets the rest of its own.
    """
    scores = _pooled(evidence, weights, _judged(evidence, weights))
    said = evidence.where(evidence.is_said)  # only these few go through the most costly part
    return _with_said(scores, evidence, said, _reliable_says(said, weights, config), weights.own_log_odds)


def learned(evidence: Evidence, weights: Weights, config: VoteConfig) -> Floats:
    """As validation GIFs have taught (fit_learned.py): log odds of a new tag, and of the GIF's own tags.

    `reliability` judges what they were too few to teach. A tag that no neighbor has and nobody gave has no score.
    """
    taught = weights.learned
    if taught is None:
        return reliability(evidence, weights, config)
    scores = np.where(_has_vote(evidence, taught.new.experts), _sigmoid(taught.new.log_odds(evidence)), 0.0)
    said = evidence.where(evidence.is_said)
    if taught.own is None:
        return _with_said(scores, evidence, said, _reliable_says(said, weights, config), weights.own_log_odds)
    return _with_said(scores, evidence, said, _summed(taught.own_says(said)), taught.own.base)


def _with_said(scores: Floats, evidence: Evidence, said: Evidence, says: Floats, base: float) -> Floats:
    """The scores (n,) with those of the tags that somebody gave. says: what moves their log odds from base."""
    own, meant = _sigmoid(base + says), _sigmoid(_SLIP_LOG_ODDS + says)
    written = (1 - meant) * _sigmoid(base)
    new = scores[evidence.is_said]
    new = np.where(said.is_correction, np.maximum(new, meant), new)
    new = np.where(said.is_copied, np.maximum(new, own), new)
    scores[evidence.is_said] = np.where(said.is_own, np.where(said.is_slip, written, own), new)
    return scores


def _reliable_says(said: Evidence, weights: Weights, config: VoteConfig) -> Floats:
    on_own_tags = (weights.experts[name].on_own_tags for name in _judged(said, weights))
    factors = np.array([*on_own_tags, weights.together, weights.as_new])
    return _summed(own_tag_evidence(said, weights, config) * factors)


def _summed(columns: Floats) -> Floats:
    """The sum of each row (n, f) in the order of columns, whatever the number of rows."""
    total = np.zeros(len(columns))
    for column in columns.T:
        total += column
    return total


def _has_vote(evidence: Evidence, names: Sequence[str]) -> Bools:
    found = np.zeros(len(evidence), bool)
    for name in names:
        found |= evidence.experts[name].share > 0  # false where it abstains, NaN
    return found


def own_tag_evidence(evidence: Evidence, weights: Weights, config: VoteConfig) -> Floats:
    """What speaks for each tag (n, experts + 2): each expert's and the other tags' log likelihood ratio, and its score.

    The score is what the tag would have as a new one, without the experts of vote.trained_on_tags: they know train
    GIFs' own tags. Ratios are of a right tag over a wrong one. For an expert, its neighbors with the tag are Poisson
    with mean spread * lift * prior where the tag is right and spread * prior where it is not; 0 where it abstains. A
    tag that nobody else has has a prior of 0 and so a ratio of 0: missing neighbors say nothing about it. Ratios are
    clipped, since neighbors are not independent.
    """
    columns, names = [], _judged(evidence, weights)
    for name in names:
        expert = evidence.experts[name]
        ratio = expert.spread * (expert.share * np.log(expert.lift) - evidence.prior * (expert.lift - 1))
        columns.append(np.clip(np.nan_to_num(ratio), -_MAX_RATIO, _MAX_RATIO))
    columns.append(np.clip(evidence.together, -_MAX_RATIO / 2, _MAX_RATIO / 2))
    columns.append(_AS_NEW * _pooled(evidence, weights, [name for name in names if name not in config.trained_on_tags]))
    return np.column_stack(columns)


def _judged(evidence: Evidence, weights: Weights) -> list[str]:
    """Experts with a weight, always in the same order, since a sum of floats depends on it."""
    return sorted(set(evidence.experts) & set(weights.experts))


def _pooled(evidence: Evidence, weights: Weights, names: Sequence[str]) -> Floats:
    """Weighted mean of trust times share over the experts that do not abstain from the GIF; 0 where all do."""
    total, heard = np.zeros(len(evidence)), np.zeros(len(evidence))
    for name in names:
        expert, weight = evidence.experts[name], weights.experts[name].on_new_tags
        total += weight * np.nan_to_num(expert.share * (1 - 1 / expert.lift))
        heard += weight * ~np.isnan(expert.share)
    return np.divide(total, heard, out=np.zeros(len(evidence)), where=heard > 0)


def _sigmoid(log_odds: Floats | float) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.asarray(log_odds))), np.float64)


RULES: dict[str, Rule] = {"published": published, "reliability": reliability, "learned": learned}
"""The rules by the name that vote.rule takes."""
KNOWING_SLIPS = ("reliability", "learned")
"""Rules whose evidence is gathered with slips and with the tags of near duplicates. The others know neither."""
