"""Voting rules: evidence on (GIF, tag) pairs in, a score for each out, all of one signature."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autotag_core.config import VoteConfig
from autotag_core.voting.evidence import Evidence, Floats


@dataclass(frozen=True)
class ExpertWeight:
    """How far an expert is trusted: as published; on tags the GIF does not have; on tags of the GIF itself."""

    published: float
    on_new_tags: float
    on_own_tags: float = 1.0


@dataclass(frozen=True)
class Weights:
    """Weight of each expert by name and, for tags of the GIF itself, of its other tags and of its uploader's word.

    together: factor of Evidence.together. own_log_odds: log odds that an uploader's tag is right, before all evidence.
    """

    experts: Mapping[str, ExpertWeight]
    together: float = 1.0
    own_log_odds: float = math.log(0.85 / 0.15)


Rule = Callable[[Evidence, Weights, VoteConfig], Floats]

_CORRECTION = 0.9
"""Score of the tag that a slip of the GIF's own meant: right for 27 of 29 slips on the animated emoji."""
_SLIP = 0.01
_MAX_RATIO = 6.0


def published(evidence: Evidence, weights: Weights, config: VoteConfig) -> Floats:
    """Sum over experts of weight times neighbors with the tag, over the largest vote that any GIF could get.

    Every expert's neighbors count alike, and a GIF's own tags are judged like any other.
    """
    vote = np.zeros(len(evidence))
    largest = 0.0
    for name in _judged(evidence, weights):
        vote += weights.experts[name].published * evidence.experts[name].votes
        largest += weights.experts[name].published * config.neighbors
    return np.minimum(vote / largest, 1.0) if largest else vote


def similarity(evidence: Evidence, weights: Weights, config: VoteConfig) -> Floats:
    """Mean over experts, by their weights, of the share of neighbors with the tag, near neighbors counting more."""
    return _pooled(evidence, weights, trust=False)


def reliability(evidence: Evidence, weights: Weights, config: VoteConfig) -> Floats:
    """Each expert heard on the tags that it can see, and a GIF's own tags by what did not come from them.

    A tag the GIF does not have: mean over experts, by their weights on new tags, of trust times share, where an
    expert's trust on a tag is 1 - 1 / lift. Where its neighbors of a GIF with the tag have it no more often than any
    GIF, the lift is 1: it can't see the tag and has no say on it. What a slip of the uploader meant is as good as said.

    A tag of the GIF itself: the chance that it is right, from log odds of own_log_odds and the sum of what
    `own_tag_ratios` says, each by its weight on own tags. A slip is as good as wrong. A tag that a near duplicate came
    with is judged like the GIF's own: its uploader looked at the same picture.
    """
    new = _pooled(evidence, weights, trust=True)
    new = np.where(evidence.is_correction, np.maximum(new, _CORRECTION), new)
    names = _judged(evidence, weights)
    ratios = own_tag_ratios(evidence, names)  # (n, experts + 1)
    factors = np.array([*(weights.experts[name].on_own_tags for name in names), weights.together])
    own = 1 / (1 + np.exp(-(weights.own_log_odds + ratios @ factors)))
    new = np.where(evidence.is_copied, np.maximum(new, own), new)
    return np.where(evidence.is_own, np.where(evidence.is_slip, _SLIP, own), new)


def own_tag_ratios(evidence: Evidence, names: Sequence[str]) -> Floats:
    """Log likelihood ratios (n, len(names) + 1) of a right tag over a wrong one: each expert's, and of the other tags.

    An expert's: its neighbors with the tag are Poisson with mean spread * lift * prior where the tag is right and
    spread * prior where it is not; 0 where it abstains. The prior of a tag that nobody else has is 0, and so is its
    ratio: the absence of neighbors with it says nothing. Clipped, since neighbors are not independent.
    """
    columns = []
    for name in names:
        expert = evidence.experts[name]
        ratio = expert.spread * (expert.share * np.log(expert.lift) - evidence.prior * (expert.lift - 1))
        columns.append(np.clip(np.nan_to_num(ratio), -_MAX_RATIO, _MAX_RATIO))
    columns.append(np.clip(evidence.together, -_MAX_RATIO / 2, _MAX_RATIO / 2))
    return np.column_stack(columns)


def _judged(evidence: Evidence, weights: Weights) -> list[str]:
    """Experts with a weight, in one order: a sum of floats depends on it."""
    return sorted(set(evidence.experts) & set(weights.experts))


def _pooled(evidence: Evidence, weights: Weights, trust: bool) -> Floats:
    """Weighted mean of shares over the experts that do not abstain from the GIF; 0 where all do."""
    total, heard = np.zeros(len(evidence)), np.zeros(len(evidence))
    for name in _judged(evidence, weights):
        expert, weight = evidence.experts[name], weights.experts[name].on_new_tags
        share = expert.share * (1 - 1 / expert.lift) if trust else expert.share
        total += weight * np.nan_to_num(share)
        heard += weight * ~np.isnan(expert.share)
    return np.divide(total, heard, out=np.zeros(len(evidence)), where=heard > 0)


RULES: dict[str, Rule] = {"published": published, "similarity": similarity, "reliability": reliability}
"""By the name that vote.rule takes."""
