"""All that is learned before pairs are judged, in one small record that travels to the executors."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from autotag_core.config import VoteConfig
from autotag_core.voting.calibration import Calibration, fit_calibration
from autotag_core.voting.evidence import Bools, Evidence, Floats, evidence_of
from autotag_core.voting.own_tags import default_weights, fit_own_tags
from autotag_core.voting.rules import RULES, ExpertWeight, Weights
from autotag_core.voting.thresholds import Thresholds, fit_thresholds


@dataclass(frozen=True)
class Judge:
    """A rule with its weights and what makes probabilities of its scores."""

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
        """The chance (n,) that each pair is right; NaN where nothing was calibrated, or the pair has no vote at all."""
        if self.calibration is None:
            return np.full(len(scores), np.nan)
        found = self.calibration.apply(scores, evidence.is_own)
        found = np.where(evidence.is_slip, np.minimum(found, scores), found)  # too few for a curve to learn them
        return np.where(scores > 0, found, np.nan)

    def accepts(self, tags: pa.Array, probabilities: Floats) -> Bools | None:
        """Whether each pair reaches its tag's threshold; None without vote.target_precision or a calibration."""
        return self.thresholds.accepts(tags, probabilities) if self.thresholds is not None else None


def fit_judge(pairs: pa.Table | None, experts: dict[str, ExpertWeight], config: VoteConfig, seed: int) -> Judge:
    """Learn from the pairs of validation GIFs: columns of `evidence_schema` and is_right; None where they are too few.

    The weights on a GIF's own tags, then the calibration of the scores they lead to, then thresholds on its
    probabilities, all on the same GIFs: the calibration's own error is measured out of fold.
    """
    weights = default_weights(experts, config)
    if pairs is None or pairs.num_rows == 0:
        return Judge(config, weights, reason=f"fewer than {config.min_evaluation_gifs} validation GIFs")
    pairs = pairs.sort_by([("gif_id", "ascending"), ("tag", "ascending")])  # folds depend on the GIFs' numbers
    evidence = evidence_of(pairs, sorted(experts))
    is_right = np.asarray(pairs["is_right"].to_numpy(zero_copy_only=False), bool)
    judge = Judge(config, fit_own_tags(evidence, is_right, weights, config))
    scores = judge.scores(evidence)
    voted = scores > 0
    gifs = pairs["gif_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    calibration = fit_calibration(
        scores[voted], evidence.is_own[voted], is_right[voted], gifs[voted], config.min_evaluation_gifs, seed
    )
    judge = replace(judge, calibration=calibration)
    if config.target_precision is None:
        return judge
    thresholds = fit_thresholds(
        pairs["tag"].combine_chunks(),
        judge.probabilities(evidence, scores),
        is_right,
        config.target_precision,
        config.min_threshold_examples,
    )
    return replace(judge, thresholds=thresholds)
