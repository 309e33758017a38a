"""Fits the learned judge to what editors teach: two small models of new tags, and one of a GIF's own tags.

Its features load numba.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from autotag_core.config import VoteConfig
from autotag_core.votes.evidence.evidence import Bools, Evidence, Floats
from autotag_core.votes.judge.learned import Learned, NewTags, OwnTags, new_tag_features, own_features, without_echo
from autotag_core.votes.judge.rules import Weights

MAX_NEW_ROWS = 300_000
"""Pairs that teach of new tags: those of about 2,000 GIFs. 30 factors learn nothing from more."""
NEW_RIDGE = 10.0
"""Its value matters little: from 3 to 30, measures on catalogs of the kinds of benchmarks/quality.py differed by half a
point. No command prints that."""
MIN_RIGHT_NEW, MIN_OWN = 10, 30
"""So many right new tags, and as many wrong ones, are needed to learn of new tags; so many own tags for these."""
USUAL_NEW = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0])
"""The weights of learned_loops.TAG_FEATURES before editors say more; those of each expert's features are 0. So the
judge begins as `reliability` does: log odds rise with the logarithm of what all experts say. Nothing is fitted here."""
USUAL = np.array([0.75, -0.25, 0.75, 0.0, 0.0])
SPREAD = np.array([0.3, 0.35, 0.15, 2.5, 0.3])
"""The weights of own tags' evidence before a catalog says more (USUAL), and how far catalogs are from them (SPREAD).
They are rounded means and standard deviations over ten catalogs, each fitted to its truth: the emoji as they are, and
their pictures with tags of the kinds in benchmarks/quality.py, three of each. No command derives them anew. The last
weight, of what may confirm itself, is 0 until editors vouch for it."""
LEFT_OUT = (2.0, 18.0)
"""Beta prior of the share of right tags that editors leave out: a tenth, as firm as twenty tags."""
UNMATCHED = 10.0
"""A tag that no train GIF has is as likely right as one with mean features: as firm as so many tags."""
FREE = 0.8
"""Chance that the editors of a catalog give any tag, rather than those of a list."""
_MAX_STEPS = 50


def fit_learned(
    evidence: Evidence,
    is_right: Bools,
    weights: Weights,
    config: VoteConfig,
    taught: Mapping[str, float],
    is_decided: Bools | None = None,
) -> Learned | None:
    """What pairs (n,) of validation GIFs teach. is_right says whether the editor gave the tag.

    is_decided: pairs of train GIFs of which an editor was asked. A right one was not left out, and comes first. Where
    validation GIFs teach too, what experts know by heart is taken off what they say of decided own tags. Without these
    GIFs all own tags that teach are train GIFs', like those that are judged, and nothing is taken off.

    taught: by expert, the mean excess of its shares on tags of train GIFs (OpenStatistics.excess).

    None where editors gave too few tags that the GIFs did not have. Pairs are sorted, since sums depend on their order.
    """
    experts = sorted(weights.experts)
    unknowing = [name for name in experts if name not in config.from_own_tags]
    decided = np.zeros(len(is_right), bool) if is_decided is None else is_decided
    is_new = ~evidence.is_said
    rows = np.concatenate([np.flatnonzero(is_new & decided), np.flatnonzero(is_new & ~decided)])[:MAX_NEW_ROWS]
    pairs, right = evidence.where(rows), is_right[rows]
    if not unknowing or min(right.sum(), (~right).sum()) < MIN_RIGHT_NEW:
        return None
    new = _fit_new_tags(pairs, right, experts, weights)
    apart = new if unknowing == experts else _fit_new_tags(pairs, right, unknowing, weights)
    trained = [name for name in experts if name in config.trained_on_tags and name in taught and not decided.all()]
    given = evidence.where(~decided)
    echoes = tuple((name, _echo(given, name, taught[name])) for name in trained)
    own = _fit_own_tags(without_echo(evidence, echoes), is_right, new, apart, decided)
    return Learned(new, own, echoes)


def _echo(evidence: Evidence, name: str, taught: float) -> float:
    """By how much the expert's mean excess on train GIFs' tags exceeds that on own tags of validation GIFs."""
    known = evidence.is_own & ~evidence.is_slip & (evidence.prior > 0)
    above = (evidence.experts[name].share - evidence.prior)[known]
    above = above[~np.isnan(above)]
    return max(taught - float(above.mean()), 0.0) if len(above) else 0.0


def _fit_new_tags(evidence: Evidence, is_right: Bools, experts: Sequence[str], weights: Weights) -> NewTags:
    """Logistic regression on standardised features, with a ridge penalty on how far weights are from the usual."""
    trusts = tuple(weights.experts[name].on_new_tags for name in experts)
    features = new_tag_features(evidence, experts, trusts)
    middle, spread = features.mean(axis=0), features.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    usual = np.append(np.zeros(features.shape[1] - len(USUAL_NEW)), USUAL_NEW) * spread
    factors = ridge_logistic((features - middle) / spread, is_right.astype(np.float64), NEW_RIDGE, usual)
    slopes = factors[:-1] / spread
    weights_of_features = (*slopes.tolist(), float(factors[-1] - slopes @ middle))
    return NewTags(tuple(experts), trusts, weights_of_features, tuple(middle.tolist()))


def ridge_logistic(features: Floats, outcomes: Floats, ridge: float, usual: Floats) -> Floats:
    """Factors (f + 1,) by Newton: least -log likelihood + ridge / 2 |factors - usual (f,)|^2. The last, the intercept,
    is free.
    """
    design = np.column_stack([features, np.ones(len(features))])
    penalty = np.append(np.full(features.shape[1], ridge), 0.0)
    share = (outcomes.sum() + 1) / (len(outcomes) + 2)
    center = np.append(usual, 0.0)
    factors = np.append(usual, np.log(share / (1 - share)))

    def loss_of(tried: Floats) -> float:
        log_odds, away = design @ tried, tried - center
        misfit = np.logaddexp(0, log_odds).sum() - (outcomes * log_odds).sum()
        return float(misfit + 0.5 * (penalty * away * away).sum())

    loss = loss_of(factors)
    for _ in range(_MAX_STEPS):
        chances = expit(design @ factors)
        gradient = design.T @ (chances - outcomes) + penalty * (factors - center)
        curvature = (design.T * (chances * (1 - chances))) @ design + np.diag(penalty + 1e-9)
        step, size = np.linalg.solve(curvature, gradient), 1.0
        while (tried := loss_of(factors - size * step)) > loss and size > 1e-6:
            size /= 2
        factors = factors - size * step
        if loss - tried < 1e-9 * max(abs(loss), 1.0):
            break
        loss = tried
    return np.asarray(factors, np.float64)


def _fit_own_tags(
    evidence: Evidence, is_right: Bools, new: NewTags, unknowing: NewTags, is_decided: Bools
) -> OwnTags | None:
    """Positive and unlabeled learning: an editor gives a tag with (1 - left_out) times the chance that it is right.

    An editor who was asked about the tag leaves nothing out.

    left_out is the same for all tags (selected completely at random: Elkan and Noto 2008). It is learned with the
    weights, which are drawn to USUAL. Left out are slips, and tags that no train GIF has, for which neighbors can't
    speak (unmatched_chance).
    """
    known = evidence.is_own & ~evidence.is_slip & (evidence.prior > 0)
    right = is_right[known].astype(np.float64)
    if len(right) < MIN_OWN:
        return None
    features = own_features(evidence.where(known), new, unknowing)
    centers = features.mean(axis=0)
    weights, base, left_out = positive_unlabeled(features - centers, right, USUAL, SPREAD, LEFT_OUT, is_decided[known])
    rare = evidence.is_own & ~evidence.is_slip & (evidence.prior == 0)
    asked, free = (is_right[rare & mask] for mask in (is_decided, ~is_decided))
    chance = unmatched_chance(float(expit(base)), left_out, (asked.sum(), len(asked)), (free.sum(), len(free)))
    if is_decided[known].all():  # nobody was free to leave anything out
        left_out = 0.0
    return OwnTags(tuple(weights.tolist()), tuple(centers.tolist()), base, float(logit(chance)), left_out, unknowing)


def unmatched_chance(usual: float, left_out: float, asked: tuple[int, int], free: tuple[int, int]) -> float:
    """The chance that an own tag which no train GIF has is right; `usual` is that of a tag with mean features.

    asked, free: (right, all) of such tags on which editors were asked, and of validation GIFs. Editors either give any
    tag (chance FREE), or keep to a list that has an unknown share of these tags. So tags that editors give less often
    than others are less often right, but where they are hardly given at all, the list is why. Posterior mean of the
    chance by binomial counts, with a beta prior around `usual` that is UNMATCHED tags firm.
    """
    grid = (np.arange(200) + 0.5) / 200
    log_chance = UNMATCHED * (usual * np.log(grid) + (1 - usual) * np.log1p(-grid)) - np.log(grid * (1 - grid))
    log_chance += asked[0] * np.log(grid) + (asked[1] - asked[0]) * np.log1p(-grid)
    listed = np.append(grid, 1.0)
    given = np.outer(grid, listed) * (1 - left_out)
    log_given = free[0] * np.log(given) + (free[1] - free[0]) * np.log1p(-given)
    share = np.append(np.full(len(grid), (1 - FREE) / len(grid)), FREE)
    joint = np.exp(log_chance[:, None] + log_given - (log_chance[:, None] + log_given).max()) * share
    return float(grid @ joint.sum(axis=1) / joint.sum())


def positive_unlabeled(
    features: Floats,
    given: Floats,
    usual: Floats,
    spread: Floats,
    left_out: tuple[float, float],
    is_asked: Bools | None = None,
) -> tuple[Floats, float, float]:
    """The likeliest weights (f,), base and left_out given `given` (n,), 1 or 0: maximum a posteriori.

    P(given) = (1 - left_out) sigmoid(features weights + base), and without left_out where is_asked (n,). Weights are
    normal around `usual` with standard deviations `spread`; left_out is beta distributed.
    """
    num = features.shape[1]
    alpha, beta = left_out
    may_lack = np.ones(len(given)) if is_asked is None else 1.0 - is_asked

    def loss(factors: Floats) -> tuple[float, Floats]:
        chances, lost = expit(features @ factors[:num] + factors[num]), expit(factors[num + 1])
        kept = 1 - lost * may_lack
        found = np.clip(kept * chances, 1e-12, 1 - 1e-12)
        by_found = (1 - given) / (1 - found) - given / found
        by_log_odds = by_found * kept * chances * (1 - chances)
        away = (factors[:num] - usual) / spread
        value = -(given * np.log(found) + (1 - given) * np.log1p(-found)).sum() + 0.5 * (away * away).sum()
        value -= alpha * np.log(lost) + beta * np.log1p(-lost)
        by_lost = -(by_found * chances * may_lack).sum() * lost * (1 - lost) - alpha * (1 - lost) + beta * lost
        gradient = np.concatenate([features.T @ by_log_odds + away / spread, [by_log_odds.sum(), by_lost]])
        return float(value), gradient

    start = np.concatenate([usual, [2.0, np.log(alpha / beta)]])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    return found[:num], float(found[num]), float(expit(found[num + 1]))
