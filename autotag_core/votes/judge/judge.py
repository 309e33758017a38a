"""All that is learned before pairs are judged, in one small record that is sent to the executors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autotag_core.config import VoteConfig
from autotag_core.votes.evidence.evidence import Bools, Evidence, Floats, evidence_of
from autotag_core.votes.judge.calibration import NUM_FOLDS, Calibration, cross_fit, gif_folds
from autotag_core.votes.judge.own_tags import default_weights, fit_own_tags
from autotag_core.votes.judge.rules import KNOWING_SLIPS, RULES, ExpertWeight, Weights
from autotag_core.votes.judge.thresholds import Thresholds, fit_thresholds
from autotag_core.votes.published.predictions import predictions

MAX_PROBABILITY = 0.995
"""The most to which a probability is raised for what editors leave out: nobody knows more about that."""


@dataclass(frozen=True)
class Judge:
    """A rule with its weights, and what turns its scores into probabilities."""

    config: VoteConfig
    weights: Weights
    calibration: Calibration | None = None
    thresholds: Thresholds | None = None
    reason: str | None = None
    """Why there is no calibration."""

    def scores(self, evidence: Evidence) -> Floats:
        """The score (n,) of each pair by vote.rule, 0..1."""
        return np.clip(RULES[self.config.rule](evidence, self.weights, self.config), 0.0, 1.0)

    def probabilities(self, evidence: Evidence, scores: Floats) -> Floats:
        """The chance (n,) that each pair is right. NaN where nothing was calibrated, or the pair has no vote at all."""
        if self.calibration is None:
            return np.full(len(scores), np.nan)
        found = self.calibration.apply(scores, _is_own_kind(evidence, self.config))
        found = _bounded_slips(_as_if_all_were_given(found, self.left_out), scores, evidence)
        return np.where(scores > 0, found, np.nan)

    @property
    def left_out(self) -> float:
        """Share of right tags that editors do not give, as far as the rule has learned it."""
        learned = self.weights.learned
        return learned.own.left_out if learned is not None and learned.own is not None else 0.0

    def accepts(self, tags: pa.Array, probabilities: Floats) -> Bools | None:
        """Whether each pair reaches its tag's threshold. None without vote.target_precision or a calibration."""
        return self.thresholds.accepts(tags, probabilities) if self.thresholds is not None else None


def fit_weights(
    pairs: pa.Table | None,
    experts: dict[str, ExpertWeight],
    config: VoteConfig,
    taught: Mapping[str, float] | None = None,
) -> Weights:
    """What `fit_judge` learns before any probability. `taught` is as there."""
    weights = default_weights(experts, config)
    if pairs is None or pairs.num_rows == 0:
        return weights
    pairs = pairs.sort_by([("gif_id", "ascending"), ("tag", "ascending")])  # a sum of floats depends on their order
    return _taught(_lessons(pairs, sorted(experts)), weights, config, taught)


class _Lessons(NamedTuple):
    """Pairs (n,) that teach: what is known of them, whether the editor gave the tag, and whether they were asked."""

    evidence: Evidence
    is_right: Bools
    is_decided: Bools

    def where(self, chosen: Bools) -> _Lessons:
        return _Lessons(self.evidence.where(chosen), self.is_right[chosen], self.is_decided[chosen])


def _lessons(pairs: pa.Table, experts: Sequence[str]) -> _Lessons:
    is_decided = "is_decided" in pairs.column_names
    decided = _flags(pairs, "is_decided") if is_decided else np.zeros(pairs.num_rows, bool)
    return _Lessons(evidence_of(pairs, experts), _flags(pairs, "is_right"), decided)


def _taught(lessons: _Lessons, weights: Weights, config: VoteConfig, taught: Mapping[str, float] | None) -> Weights:
    """The weights with all that these pairs teach vote.rule, and what it falls back on."""
    weights = fit_own_tags(lessons.evidence, lessons.is_right, weights, config)
    if config.rule != "learned":
        return weights
    from autotag_core.votes.judge.fit_learned import fit_learned

    return replace(weights, learned=fit_learned(*lessons[:2], weights, config, taught or {}, lessons.is_decided))


def fit_judge(
    pairs: pa.Table | None,
    experts: dict[str, ExpertWeight],
    config: VoteConfig,
    seed: int,
    taught: Mapping[str, float] | None = None,
) -> Judge:
    """Learn from the pairs of validation GIFs: `evidence_schema`, is_right and lacks; None where they are too few.

    Pairs may also be decided ones of train GIFs (is_decided): an editor was asked about this very tag. These teach the
    rule. Probabilities are learned on them only where there are no others, since decided pairs were chosen.

    taught: by expert, by how much shares of train GIFs' own tags are above chance. From this vote.rule=learned knows
    what experts know by heart. Without it nothing is taken for an echo.

    Learned are what vote.rule learns, the calibration of its scores, and thresholds on the probabilities, all on the
    GIFs on which the experts' weights rest. Reliability and thresholds are made of out-of-fold probabilities, for which
    all is learned again without the fold's GIFs. The share of right tags that editors leave out corrects them.
    """
    if pairs is None or pairs.num_rows == 0:
        reason = f"fewer than {config.min_evaluation_gifs} validation GIFs"
        return Judge(config, default_weights(experts, config), reason=reason)
    pairs = pairs.sort_by([("gif_id", "ascending"), ("tag", "ascending")])  # folds depend on the GIFs' numbers
    judge = Judge(config, fit_weights(pairs, experts, config, taught))
    lessons = _lessons(pairs, sorted(experts))
    measured = ~lessons.is_decided if not lessons.is_decided.all() else lessons.is_decided
    pairs = pairs.filter(pa.array(measured))
    evidence, is_right, lacks = evidence_of(pairs, sorted(experts)), _flags(pairs, "is_right"), _flags(pairs, "lacks")
    scores = judge.scores(evidence)
    voted = (scores > 0) & ~_is_unjudged(evidence, judge)
    known = evidence.where(voted)
    predicted = predictions(evidence, is_right, lacks, config.predicted_tags)
    gifs = np.arange(evidence.gifs.max() + 1)

    def scores_learned_from(rows: Bools) -> Floats:
        chosen = np.isin(gifs, known.gifs[rows])
        reweighed = experts
        if not lessons.is_decided.all():  # decided pairs are not all of what a GIF has, so they weigh no expert
            reweighed = {name: predicted[name].weight(chosen, weight) for name, weight in experts.items()}
        rest = np.ones(len(measured), bool)
        rest[measured] = chosen[evidence.gifs]
        fitted = _taught(lessons.where(rest), default_weights(reweighed, config), config, taught)
        return Judge(config, fitted).scores(known)

    calibration, out_of_fold = cross_fit(
        scores[voted],
        _is_own_kind(known, config),
        is_right[voted],
        known.gifs,
        config.min_evaluation_gifs,
        seed,
        scores_learned_from,
    )
    judge = replace(judge, calibration=calibration)
    if config.target_precision is None:
        return judge
    chances = _bounded_slips(_as_if_all_were_given(out_of_fold, judge.left_out), scores[voted], known)
    tags = pairs["tag"].combine_chunks().filter(pa.array(voted))
    return _with_thresholds(judge, tags, chances, is_right[voted], gif_folds(known.gifs, NUM_FOLDS, seed))


def _with_thresholds(judge: Judge, tags: pa.Array, chances: Floats, is_right: Bools, folds: npt.NDArray[Any]) -> Judge:
    """The judge with the thresholds of tags (n,) at vote.target_precision, of out-of-fold probabilities."""
    target = judge.config.target_precision
    assert target is not None
    least = target * (1 - judge.left_out)
    thresholds = fit_thresholds(tags, chances, is_right, folds, least, judge.config.min_threshold_examples)
    return replace(judge, thresholds=replace(thresholds, target_precision=target))


def _flags(pairs: pa.Table, name: str) -> Bools:
    return np.asarray(pairs[name].to_numpy(zero_copy_only=False), bool)


def _is_own_kind(evidence: Evidence, config: VoteConfig) -> Bools:
    """Which pairs the rule judges as tags that the GIF came with; they use the curve of own tags."""
    return evidence.is_said if config.rule in KNOWING_SLIPS else evidence.is_own


def _is_unjudged(evidence: Evidence, judge: Judge) -> Bools:
    """Tags that somebody gave and no train GIF has. Where own tags are learned, these teach nothing."""
    learned = judge.weights.learned
    if judge.config.rule != "learned" or learned is None or learned.own is None:
        return np.zeros(len(evidence), bool)
    return evidence.is_said & (evidence.prior <= 0)


def _as_if_all_were_given(probabilities: Floats, left_out: float) -> Floats:
    """The chance that a tag is right, from the chance that an editor gives it."""
    if not left_out:
        return probabilities
    return np.asarray(np.minimum(probabilities / (1 - left_out), np.maximum(probabilities, MAX_PROBABILITY)))


def _bounded_slips(probabilities: Floats, scores: Floats, evidence: Evidence) -> Floats:
    """The probabilities; those of slips are no higher than their score, since a curve can't learn from so few."""
    return np.where(evidence.is_slip, np.minimum(probabilities, scores), probabilities)
