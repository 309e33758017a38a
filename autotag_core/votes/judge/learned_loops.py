"""Compiled loops: the features of a pair that the learned judge looks at, and its log odds as a new tag.

Loads numba: import it where it is used.
"""

from __future__ import annotations

import math

import numpy as np

from autotag_core.compiled import compiled
from autotag_core.votes.tally.tally_loops import Floats

EXPERT_FEATURES = ("trusted share", "its root", "over chance", "lift", "likelihood")
"""Features of each expert, in this order. An expert that abstains has 0."""
TAG_FEATURES = ("prior", "likeness", "clear likeness", "pooled", "its root", "its logarithm")
"""Features of the tag. They come after those of all experts."""
CLEAR = 2.0
"""Log likelihood ratio above which a likeness counts once more."""
MAX_RATIO = 6.0
"""A log likelihood ratio is clipped to this, since neighbors are not independent."""
_CHANCE_EDGE, _PRIOR_EDGE, _POOLED_EDGE = 0.003, 0.001, 0.01
"""Added to shares before logarithms: about what one weak neighbor of forty gives."""
_LOG_CHANCE_EDGE = math.log(_CHANCE_EDGE)


@compiled
def _expert_features(
    share: float, lift: float, spread: float, prior: float
) -> tuple[float, float, float, float, float]:
    log_lift = math.log(lift) if lift > 1 else 0.0
    ratio = min(max(spread * (share * log_lift - prior * (lift - 1)), -MAX_RATIO), MAX_RATIO)
    log_prior = math.log(prior + _CHANCE_EDGE)
    if share == 0:  # an expert sees nothing of most tags
        return 0.0, 0.0, _LOG_CHANCE_EDGE - log_prior, log_lift, ratio
    trusted = share * (1 - 1 / lift)
    return trusted, math.sqrt(trusted), math.log(share + _CHANCE_EDGE) - log_prior, log_lift, ratio


@compiled
def hear_expert(shares: Floats, lifts: Floats, spreads: Floats, priors: Floats, weights: Floats, sums: Floats) -> None:
    """Add what one expert says of n pairs to sums (3, n): log odds; its weight on new tags times the trusted share;
    that weight. weights (6,): those of its features, and last the one on new tags.
    """
    for row in range(len(priors)):
        if math.isnan(shares[row]):
            continue
        features = _expert_features(shares[row], lifts[row], spreads[row], priors[row])
        trusted, root, over_chance, log_lift, ratio = features
        sums[0, row] += (
            weights[0] * trusted
            + weights[1] * root
            + weights[2] * over_chance
            + weights[3] * log_lift
            + weights[4] * ratio
        )
        sums[1, row] += weights[5] * trusted
        sums[2, row] += weights[5]


@compiled
def features_of_expert(shares: Floats, lifts: Floats, spreads: Floats, priors: Floats) -> Floats:
    """EXPERT_FEATURES (n, 5) of n pairs."""
    out = np.zeros((len(priors), 5))
    for row in range(len(priors)):
        if not math.isnan(shares[row]):
            features = _expert_features(shares[row], lifts[row], spreads[row], priors[row])
            out[row, 0], out[row, 1], out[row, 2], out[row, 3], out[row, 4] = features
    return out


@compiled
def _tag_features(
    prior: float, likeness: float, trusted: float, heard: float
) -> tuple[float, float, float, float, float, float]:
    pooled = trusted / heard if heard > 0 else 0.0
    alike = 0.0 if math.isnan(likeness) else min(max(likeness, -MAX_RATIO), MAX_RATIO)
    log_prior, log_pooled = math.log(prior + _PRIOR_EDGE), math.log(pooled + _POOLED_EDGE)
    return log_prior, alike, max(alike - CLEAR, 0.0), pooled, math.sqrt(pooled), log_pooled


@compiled
def hear_tag(priors: Floats, likeness: Floats, weights: Floats, sums: Floats) -> None:
    """Add what n tags say themselves to sums (3, n), with weights (6,), after all experts."""
    for row in range(len(priors)):
        features = _tag_features(priors[row], likeness[row], sums[1, row], sums[2, row])
        for at in range(len(features)):
            sums[0, row] += weights[at] * features[at]


@compiled
def features_of_tag(priors: Floats, likeness: Floats, trusted: Floats, heard: Floats) -> Floats:
    """TAG_FEATURES (n, 6). trusted, heard (n,) are the sums that `hear_expert` makes."""
    out = np.empty((len(priors), len(TAG_FEATURES)))
    for row in range(len(priors)):
        features = _tag_features(priors[row], likeness[row], trusted[row], heard[row])
        for at in range(len(features)):
            out[row, at] = features[at]
    return out
