"""How far each kind of evidence is trusted on a GIF's own tags: learned where editors have said which are right."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from autotag_core.config import VoteConfig
from autotag_core.votes.evidence.evidence import Bools, Evidence
from autotag_core.votes.judge.rules import ExpertWeight, Weights, own_tag_evidence


def default_weights(experts: dict[str, ExpertWeight], config: VoteConfig) -> Weights:
    """The weights before anything is learned.

    On a GIF's own tags, an expert made from them (vote.from_own_tags) has no say, and one trained on them
    (vote.trained_on_tags) a quarter.
    """

    def on_own_tags(name: str) -> float:
        return 0.0 if name in config.from_own_tags else 0.25 if name in config.trained_on_tags else 1.0

    judged = {name: replace(weight, on_own_tags=on_own_tags(name)) for name, weight in experts.items()}
    prior = config.original_prior
    return Weights(judged, together=1.0, own_log_odds=math.log(prior / (1 - prior)))


def fit_own_tags(evidence: Evidence, is_right: Bools, weights: Weights, config: VoteConfig) -> Weights:
    """The weights, with their parts for own tags learned from n own tags of validation GIFs whose is_right is known.

    Logistic regression on own_tag_evidence. No factor is below 0. Factors are drawn towards half the given ones with a
    ridge penalty of vote.own_tags_ridge: half, since what experts see overlaps. The factor of the score as a new tag is
    drawn to 0: it hears experts made from the GIF's own tags, so only validation GIFs can say what it is worth. An
    expert of vote.trained_on_tags learned the tags of train GIFs and none of validation GIFs. So it looks more honest
    on these than it is, and its factor never exceeds the given one. Slips are left out: the rule settles them. The
    weights stay as they are if fewer than vote.min_evaluation_gifs tags, or only right or only wrong ones, are known.
    """
    known = evidence.is_own & ~evidence.is_slip
    right = is_right[known].astype(np.float64)
    if len(right) < config.min_evaluation_gifs or right.min() == right.max():
        return weights
    from scipy.optimize import minimize

    names = sorted(weights.experts)
    said = own_tag_evidence(evidence, weights, config)[known]  # (n, experts + 2)
    given = (weights.experts[name].on_own_tags for name in names)
    towards = 0.5 * np.array([*given, weights.together, weights.as_new])

    def loss(factors: np.ndarray) -> float:
        log_odds = said @ factors[:-1] + factors[-1]
        misfit = np.logaddexp(0, log_odds).sum() - (right * log_odds).sum()
        return float(misfit + config.own_tags_ridge * np.square(factors[:-1] - towards).sum())

    start = np.append(towards, weights.own_log_odds)
    most = [weights.experts[name].on_own_tags if name in config.trained_on_tags else None for name in names]
    bounds = [*((0.0, limit) for limit in most), (0.0, None), (0.0, None), (None, None)]
    *on_own_tags, together, as_new, own_log_odds = minimize(loss, start, bounds=bounds, method="L-BFGS-B").x.tolist()
    fitted = {
        name: replace(weights.experts[name], on_own_tags=factor)
        for name, factor in zip(names, on_own_tags, strict=True)
    }
    return Weights(fitted, together, as_new, own_log_odds)
