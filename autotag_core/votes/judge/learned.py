"""The learned judge: what the editors of a catalog have said decides how evidence is weighed.

Loading this needs no numba; judging does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autotag_core.votes.evidence.evidence import Evidence, Floats

OWN_FEATURES = (
    "its other tags",
    "how common it is",
    "what experts see",
    "how well they see such tags",
    "experts that know its tags",
)
"""Of an own tag: log lift with the GIF's other tags; log prior; log odds as a new tag by the experts that do not know
the GIF's tags; their mean log lift of the tag; and how much the experts that know them raise these log odds."""
START = "to begin with"
"""The name of the log odds before any evidence."""
ALL_EXPERTS = "all experts together"
LIKENESS = "how GIFs with it look"
MAX_TOGETHER, MIN_PRIOR = 3.0, 0.001
"""Log lifts with other tags are clipped to MAX_TOGETHER; MIN_PRIOR is added to priors before logarithms."""
MAX_SAID = 8.0
"""Log odds as a new tag are clipped to this before an own tag is judged by them."""


@dataclass(frozen=True)
class NewTags:
    """Weights of features (learned_loops.py), the intercept last, and experts with their weights on new tags."""

    experts: tuple[str, ...]
    trusts: tuple[float, ...]
    weights: tuple[float, ...]
    centers: tuple[float, ...]
    """The features' means over the tags that taught."""

    def log_odds(self, evidence: Evidence) -> Floats:
        """Log odds (n,) that each tag is right, as one that the GIF does not have."""
        from autotag_core.votes.judge.learned_loops import EXPERT_FEATURES, hear_expert, hear_tag

        sums, weights, at = np.zeros((3, len(evidence))), np.array(self.weights), len(EXPERT_FEATURES)
        sums[0] = weights[-1]
        for place, (name, trust) in enumerate(zip(self.experts, self.trusts, strict=True)):
            expert = evidence.experts[name]
            own = np.append(weights[at * place : at * (place + 1)], trust)
            hear_expert(expert.share, expert.lift, expert.spread, evidence.prior, own, sums)
        hear_tag(evidence.prior, evidence.likeness, weights[at * len(self.experts) : -1], sums)
        return np.asarray(sums[0])

    def says(self, evidence: Evidence) -> Floats:
        """(n, experts + 4): how far each expert, how common the tag is, how GIFs with it look and all experts together
        move the log odds away from the mean tag's. The last column is the mean tag's log odds.
        """
        from autotag_core.votes.judge.learned_loops import EXPERT_FEATURES, TAG_FEATURES

        weights, centers = np.array(self.weights), np.array(self.centers)
        moved = weights[:-1] * (new_tag_features(evidence, self.experts, self.trusts) - centers)
        shape = len(evidence), len(self.experts), len(EXPERT_FEATURES)
        by_expert = moved[:, : -len(TAG_FEATURES)].reshape(shape).sum(axis=2)
        of_tag = np.split(moved[:, -len(TAG_FEATURES) :], [1, 3], axis=1)
        how_common, alike, together = (columns.sum(axis=1) for columns in of_tag)
        mean = np.full(len(evidence), weights[-1] + weights[:-1] @ centers)
        return np.column_stack([by_expert, how_common, alike, together, mean])


@dataclass(frozen=True)
class OwnTags:
    """Weights of OWN_FEATURES, and what they are added to.

    base: log odds that an uploader's tag with the features `centers` is right. unmatched: those of a tag that no train
    GIF has, on which there is no evidence. left_out: share of right tags that editors do not give. unknowing: the judge
    of new tags without the experts that know the GIF's tags.
    """

    weights: tuple[float, ...]
    centers: tuple[float, ...]
    base: float
    unmatched: float
    left_out: float
    unknowing: NewTags


@dataclass(frozen=True)
class Learned:
    """What editors have taught of new tags and, where it was enough, of own tags."""

    new: NewTags
    own: OwnTags | None = None
    echoes: tuple[tuple[str, float], ...] = ()
    """Experts trained on train GIFs' tags, and how much that adds to their share of such a tag, mean, 0..1."""

    def own_says(self, evidence: Evidence) -> Floats:
        """(n, features): how far each of OWN_FEATURES moves the log odds of an own tag away from the base.

        That no train GIF has a tag is how common it is.
        """
        assert self.own is not None
        evidence = without_echo(evidence, self.echoes)
        weighed = np.array(self.own.weights) * (own_features(evidence, self.new, self.own.unknowing) - self.own.centers)
        unmatched = np.zeros(len(OWN_FEATURES))
        unmatched[1] = self.own.unmatched - self.own.base
        return np.where((evidence.prior > 0)[:, None], weighed, unmatched)


def reasons(learned: Learned, evidence: Evidence) -> tuple[list[str], Floats]:
    """Names, and (n, names): the parts of each pair's log odds, by name; they add up. NaN: such a tag has no such part.

    Slips, and what they may have meant, have none: their scores are made of two tags.
    """
    names = list(dict.fromkeys([START, *OWN_FEATURES, *learned.new.experts, LIKENESS, ALL_EXPERTS]))
    found = np.full((len(evidence), len(names)), np.nan)
    is_new = ~evidence.is_said
    said = learned.new.says(evidence.where(is_new))
    for name, column in zip([*learned.new.experts, OWN_FEATURES[1], LIKENESS, ALL_EXPERTS, START], said.T, strict=True):
        found[is_new, names.index(name)] = column
    if learned.own is not None:
        is_own = evidence.is_said & ~evidence.is_slip & ~evidence.is_correction
        found[is_own, 0] = learned.own.base
        for name, column in zip(OWN_FEATURES, learned.own_says(evidence.where(is_own)).T, strict=True):
            found[is_own, names.index(name)] = column
    return names, found


def without_echo(evidence: Evidence, echoes: Sequence[tuple[str, float]]) -> Evidence:
    """The evidence, with shares of tags that experts were taught reduced by the mean echo.

    The tags of validation GIFs teach nobody, and there shares are less above chance by this much. Without the
    reduction, an expert would confirm a tag of a train GIF because it has learned it by heart.
    """
    experts = dict(evidence.experts)
    for name, echo in echoes:
        if name in experts:
            expert = experts[name]
            lessened = np.maximum(expert.share - echo, 0.0)  # NaN where it abstains stays
            experts[name] = replace(expert, share=np.where(evidence.is_taught, lessened, expert.share))
    return replace(evidence, experts=experts)


def new_tag_features(evidence: Evidence, experts: Sequence[str], trusts: Sequence[float]) -> Floats:
    """(n, 5 experts + 6): EXPERT_FEATURES of each expert, TAG_FEATURES. trusts: the experts' weights on new tags."""
    from autotag_core.votes.judge.learned_loops import features_of_expert, features_of_tag

    columns, trusted, heard = [], np.zeros(len(evidence)), np.zeros(len(evidence))
    for name, trust in zip(experts, trusts, strict=True):
        expert = evidence.experts[name]
        columns.append(features_of_expert(expert.share, expert.lift, expert.spread, evidence.prior))
        trusted += trust * columns[-1][:, 0]
        heard += trust * ~np.isnan(expert.share)
    return np.column_stack([*columns, features_of_tag(evidence.prior, evidence.likeness, trusted, heard)])


def own_features(evidence: Evidence, new: NewTags, unknowing: NewTags) -> Floats:
    """(n, features): OWN_FEATURES."""
    seen = np.clip(unknowing.log_odds(evidence), -MAX_SAID, MAX_SAID)
    known = np.clip(new.log_odds(evidence), -MAX_SAID, MAX_SAID)
    lift, heard = np.zeros(len(evidence)), np.zeros(len(evidence))
    for name in unknowing.experts:
        expert = evidence.experts[name]
        hears = ~np.isnan(expert.share)
        lift += np.where(hears, np.log(expert.lift), 0.0)
        heard += hears
    mean_lift = np.divide(lift, heard, out=np.zeros(len(evidence)), where=heard > 0)
    together = np.clip(evidence.together, -MAX_TOGETHER, MAX_TOGETHER)
    return np.column_stack([together, np.log(evidence.prior + MIN_PRIOR), seen, mean_lift, known - seen])
