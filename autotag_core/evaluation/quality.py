"""How right the voted tags are, measured against a known truth."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.errors import InputError
from autotag_core.evaluation.per_gif import RECALL_AT, PerGif, per_gif
from autotag_core.evaluation.tag_pairs import Bools, Floats, Numbers, of_factor
from autotag_core.splits import TRAIN
from autotag_core.terminal import shown_lines


@dataclass(frozen=True)
class Quality:
    """The measures over one set of GIFs and tags, all 0..1. None where a measure is undefined. See `evaluate`."""

    num_gifs: int
    num_gifs_lacking: int
    num_right_original: int
    num_wrong_original: int
    precision_at_1: float | None
    precision_at_3: float | None
    added_at_1: float | None
    added_at_3: float | None
    missing_recall_at_5: float | None
    auc: float | None
    confidence_auc: float | None
    probability_auc: float | None
    wrong_demoted: float | None
    right_demoted: float | None


@dataclass(frozen=True)
class Evaluation:
    """Quality over all tags and, where the truth gives factors, over the tags of each factor."""

    overall: Quality
    factors: dict[str, Quality]

    def to_json(self) -> str:
        """One JSON object; null where a measure is undefined."""
        return json.dumps(dataclasses.asdict(self))

    def to_text(self) -> str:
        """A table for people: one line for each measure, one column for all tags and for each factor."""
        columns = {"all tags": self.overall, **self.factors}
        width = max(len(label) for label in _LABELS.values())
        lines = [" " * width + "".join(f"{name:>10}" for name in columns)]
        for field, label in _LABELS.items():
            values = (_shown(getattr(quality, field)) for quality in columns.values())
            lines.append(f"{label:<{width}}" + "".join(f"{value:>10}" for value in values))
        return shown_lines(lines)


_LABELS = {
    "num_gifs": "GIFs with a truth",
    "precision_at_1": "precision@1",
    "precision_at_3": "precision@3",
    "num_gifs_lacking": "GIFs that lack a true tag",
    "added_at_1": "added@1",
    "added_at_3": "added@3",
    "missing_recall_at_5": f"missing tags among best {RECALL_AT}",
    "num_right_original": "right original tags",
    "num_wrong_original": "wrong original tags",
    "auc": "AUC of score, right or wrong",
    "confidence_auc": "AUC of confidence",
    "probability_auc": "AUC of probability",
    "wrong_demoted": "wrong tags demoted",
    "right_demoted": "right tags demoted",
}


def evaluate(voted_tags: pa.Table, catalog: pa.Table, truth: pa.Table, split: str = TRAIN) -> Evaluation:
    """Measure voted tags (gif_id, tag, score, confidence) over a split's GIFs of the catalog (gif_id, tags, split).

    Tags match when they are equal after trimming. A GIF's ranked tags are those with a score above 0, highest first,
    ties alphabetical; a tag with score 0 has no vote. Original tags are the catalog's `tags`. Means over GIFs:

    - precision_at_k: right among the first k ranked, over k. An empty place counts as not right, so that silence is
      never better than an answer. A GIF without voted tags counts as 0.
    - added_at_k: the same among tags the GIF did not have, over the GIFs that lack at least one true tag.

    Over all missing true tags together:

    - missing_recall_at_5: the share found among the five best added tags of their GIF.

    Over all original tags together (one that is not in voted_tags has score 0 and counts as demoted):

    - auc: the chance that a right one has a higher score than a wrong one, ties counting half (Mann-Whitney U).
      confidence_auc is the same of the confidence, which has two steps; probability_auc is that of the probability.
    - wrong_demoted, right_demoted: the share with a confidence below 1.

    Measures of confidences, or of probabilities, are None where the voted tags lack that column or have a null in it.

    A factor's vocabulary is its tags anywhere in the truth. Its quality leaves out every other tag, and runs over the
    GIFs with at least one true tag of the factor. InputError where no GIF of the split is in the truth.
    """
    return measure(voted_tags, measured_gifs(catalog, truth, split), truth)[0]


def measured_gifs(catalog: pa.Table, truth: pa.Table, split: str = TRAIN) -> pa.Table:
    """The GIFs of a split of the catalog that are in the truth. InputError where there are none."""
    of_split = catalog.filter(pc.equal(catalog["split"], split))
    known = of_split.filter(pc.is_in(of_split["gif_id"], value_set=pc.unique(truth["gif_id"])))
    if known.num_rows == 0:
        reason = "is it the truth of another catalog?" if of_split.num_rows else "see catalog.test_list"
        raise InputError(
            f"none of the {truth.num_rows:,} GIFs in the truth is a {split} GIF of this catalog "
            f"({of_split.num_rows:,} {split} GIFs): {reason}"
        )
    return known


def measure(voted_tags: pa.Table, known: pa.Table, truth: pa.Table) -> tuple[Evaluation, PerGif]:
    """The quality over the known GIFs, and what each of them adds to it. A GIF's number is its row in `known`."""
    numbers = Numbers(known, truth, voted_tags)
    pairs = numbers.pairs(truth, known, voted_tags)
    overall = per_gif(pairs)
    factors = {
        name: _means(per_gif(of_factor(pairs, true_keys, vocabulary)))
        for name, true_keys, vocabulary in numbers.factors(truth)
    }
    return Evaluation(_means(overall), factors), overall


def _means(gifs: PerGif) -> Quality:
    lacking = gifs.num_missing > 0
    knows = not np.isnan(gifs.confidences).any()
    demoted = gifs.confidences < 1 if knows else np.zeros(0, bool)
    wrong, right = (demoted[kind] if knows else demoted for kind in (~gifs.is_right, gifs.is_right))
    return Quality(
        num_gifs=len(gifs.gifs),
        num_gifs_lacking=int(lacking.sum()),
        num_right_original=int(gifs.is_right.sum()),
        num_wrong_original=int((~gifs.is_right).sum()),
        precision_at_1=_mean(gifs.right_at_1),
        precision_at_3=_mean(gifs.right_at_3 / 3),
        added_at_1=_mean(gifs.added_at_1[lacking]),
        added_at_3=_mean(gifs.added_at_3[lacking] / 3),
        missing_recall_at_5=float(gifs.num_found.sum() / gifs.num_missing.sum()) if lacking.any() else None,
        auc=area_under_curve(gifs.scores, gifs.is_right),
        confidence_auc=_known_auc(gifs.confidences, gifs.is_right),
        probability_auc=_known_auc(gifs.probabilities, gifs.is_right),
        wrong_demoted=_mean(wrong),
        right_demoted=_mean(right),
    )


def area_under_curve(scores: Floats, is_right: Bools) -> float | None:
    """The chance that a right item scores above a wrong one, ties half (Mann-Whitney U). None if either is missing."""
    num_right, num_wrong = int(is_right.sum()), int((~is_right).sum())
    if not num_right or not num_wrong:
        return None
    _, level, counts = np.unique(scores, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2  # from 1; tied scores share their mean
    return float((mean_rank[level][is_right].sum() - num_right * (num_right + 1) / 2) / (num_right * num_wrong))


def _known_auc(values: Floats, is_right: Bools) -> float | None:
    return None if np.isnan(values).any() else area_under_curve(values, is_right)


def _mean(values: Any) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
