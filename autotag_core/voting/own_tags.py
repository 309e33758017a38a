"""How far each kind of evidence is trusted on a GIF's own tags: learned where an editor has said which are right."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize

from autotag_core.config import VoteConfig
from autotag_core.voting.evidence import Bools, Evidence
from autotag_core.voting.rules import ExpertWeight, Weights, own_tag_ratios


def default_weights(experts: dict[str, ExpertWeight], config: VoteConfig) -> Weights:
    """What holds before anything is learned.

    An expert made from a GIF's own tags (vote.from_own_tags) is not heard on them, one trained on them
    (vote.trained_on_tags) half.
    """

    def on_own_tags(name: str) -> float:
        return 0.0 if name in config.from_own_tags else 0.5 if name in config.trained_on_tags else 1.0

    judged = {name: replace(weight, on_own_tags=on_own_tags(name)) for name, weight in experts.items()}
    prior = config.original_prior
    return Weights(judged, together=1.0, own_log_odds=math.log(prior / (1 - prior)))


def fit_own_tags(evidence: Evidence, is_right: Bools, weights: Weights, config: VoteConfig) -> Weights:
    """The weights with their parts for own tags learned from n own tags of validation GIFs of which is_right is known.

    Logistic regression on own_tag_ratios, no factor below 0, drawn towards half the given factors with a ridge penalty
    of vote.own_tags_ridge: half, since what experts see overlaps. Slips are left out: the rule settles them. The
    weights as they are, where fewer than vote.min_evaluation_gifs tags or only right or only wrong ones are known.
    """
    known = evidence.is_own & ~evidence.is_slip
    right = is_right[known].astype(np.float64)
    if len(right) < config.min_evaluation_gifs or right.min() == right.max():
        return weights
    names = sorted(weights.experts)
    ratios = own_tag_ratios(evidence.only(names), names)[known]  # (n, experts + 1)
    towards = 0.5 * np.array([*(weights.experts[name].on_own_tags for name in names), weights.together])

    def loss(factors: np.ndarray) -> float:
        log_odds = ratios @ factors[:-1] + factors[-1]
        misfit = np.logaddexp(0, log_odds).sum() - (right * log_odds).sum()
        return float(misfit + config.own_tags_ridge * np.square(factors[:-1] - towards).sum())

    start = np.append(towards, weights.own_log_odds)
    bounds = [(0.0, None)] * len(towards) + [(None, None)]
    found = minimize(loss, start, bounds=bounds, method="L-BFGS-B").x
    fitted = {
        name: replace(weights.experts[name], on_own_tags=float(factor))
        for name, factor in zip(names, found, strict=False)
    }
    return Weights(fitted, together=float(found[-2]), own_log_odds=float(found[-1]))
