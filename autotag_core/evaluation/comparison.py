"""Compares variants of the voted tags: what each gains or loses, and whether chance alone would do that."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from autotag_core.errors import InputError
from autotag_core.evaluation.bootstrap import MEASURES, resampled_measures
from autotag_core.evaluation.quality import Evaluation, measure, measured_gifs
from autotag_core.evaluation.tag_pairs import Floats
from autotag_core.terminal import shown_lines

_LEVEL = 0.95
_LABELS = {"precision_at_1": "precision@1", "added_at_1": "added@1", "missing_recall_at_5": "missing@5", "auc": "AUC"}
_OF_FACTORS = {"precision_at_1": "@1", "added_at_1": "added@1", "missing_recall_at_5": "missing@5"}
_NEEDED = ("gif_id", "tag", "score")


@dataclass(frozen=True)
class Difference:
    """A variant's measure minus the baseline's, and its 95% interval over resampled GIFs."""

    difference: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly above or below 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Comparison:
    """Variants by name in the order given, each with its quality and, by measure, its difference to the baseline."""

    baseline: str
    num_gifs: int
    num_resamples: int
    seed: int
    evaluations: dict[str, Evaluation]
    differences: dict[str, dict[str, Difference | None]]
    """By variant, without the baseline, then by measure. None where the measure is undefined."""
    baselines: dict[str, str]
    """For each of these variants, the variant it is compared with."""

    def to_text(self) -> str:
        """One line a variant: each measure with its difference to the baseline [low, high], * where that excludes 0."""
        return _text(self, list(self.evaluations))

    def to_json(self) -> str:
        """One JSON object: the settings, then `variants` by name; null where a measure is undefined."""
        return json.dumps(_settings(self) | {"variants": {name: _as_dict(self, name) for name in self.evaluations}})


def compare(
    variants: Mapping[str, pa.Table],
    catalog: pa.Table,
    truth: pa.Table,
    baseline: str,
    num_resamples: int = 1000,
    seed: int = 7,
    against: Mapping[str, str] | None = None,
) -> Comparison:
    """Measure each variant's voted tags as `evaluate` does, and their differences to the baseline by paired bootstrap.

    A variant in `against` has the variant named there as its baseline. GIFs are drawn with replacement `num_resamples`
    times, each time the same for all variants. So what makes a GIF hard for all of them cancels out. The interval is
    the middle 95% of the differences, over the resamples in which the measure is defined. InputError: an unknown
    baseline, no resamples, a variant that lacks a column.
    """
    baselines = {name: baseline for name in variants if name != baseline} | dict(against or {})
    for needed in (baseline, *baselines, *baselines.values()):
        if needed not in variants:
            found = ", ".join(variants) or "there are none"
            raise InputError(f"the baseline {needed!r} is none of the variants: {found}")
    if num_resamples < 1:
        raise InputError(f"num_resamples is {num_resamples}, it must be at least 1")
    for name, table in variants.items():
        if lacking := [column for column in _NEEDED if column not in table.column_names]:
            raise InputError(f"variant {name!r} lacks {', '.join(lacking)}; voted tags have {', '.join(_NEEDED)}")
    known = measured_gifs(catalog, truth)
    evaluations, per_gif = {}, []
    for name, voted_tags in variants.items():
        evaluations[name], gifs = measure(voted_tags, known, truth)
        per_gif.append(gifs)
    resamples = resampled_measures(per_gif, known.num_rows, num_resamples, seed)
    places = {name: i for i, name in enumerate(variants)}
    differences = {
        name: _differences(
            evaluations[name], evaluations[other], resamples[:, places[name]] - resamples[:, places[other]]
        )
        for name, other in baselines.items()
    }
    return Comparison(baseline, known.num_rows, num_resamples, seed, evaluations, differences, baselines)


def ablation_text(comparison: Comparison) -> str:
    """`to_text` for the variants "all" (the baseline), "without X" and "X alone", then the measures by factor."""
    names = _ablation_names(comparison)
    factors = tuple(comparison.evaluations[names[0]].factors)
    text = _text(comparison, names)
    return f"{text}\n\n{_factors_text(comparison, names, factors)}" if factors else text


def ablation_json(comparison: Comparison) -> str:
    """`to_json` for the same variants. Each also has `factors`, its measures by factor of the truth."""
    variants = {}
    for name in _ablation_names(comparison):
        found = comparison.evaluations[name].factors
        by_factor = {factor: {key: getattr(one, key) for key in _OF_FACTORS} for factor, one in found.items()}
        variants[name] = _as_dict(comparison, name) | {"factors": by_factor}
    return json.dumps(_settings(comparison) | {"variants": variants})


def _ablation_names(comparison: Comparison) -> list[str]:
    """The name "all", then every "without X", then every "X alone". InputError for any other name or baseline."""
    names = list(comparison.evaluations)
    without = [name for name in names if name.startswith("without ")]
    alone = [name for name in names if name.endswith(" alone") and name not in without]
    others = [name for name in names if name not in ("all", *without, *alone)]
    if others or comparison.baseline != "all":
        wrong = f"variant {others[0]!r}" if others else f"baseline {comparison.baseline!r}"
        raise InputError(f'an ablation has "all" as its baseline, "without X" and "X alone": it has {wrong}')
    return ["all", *without, *alone]


def _differences(variant: Evaluation, baseline: Evaluation, resamples: Floats) -> dict[str, Difference | None]:
    """By measure, from the differences of each resample (num_resamples, measures)."""
    differences: dict[str, Difference | None] = {}
    for name, drawn in zip(MEASURES, resamples.T, strict=True):
        ours, theirs = getattr(variant.overall, name), getattr(baseline.overall, name)
        defined = drawn[~np.isnan(drawn)]
        differences[name] = None
        if ours is not None and theirs is not None and len(defined):
            low, high = np.quantile(defined, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
            differences[name] = Difference(ours - theirs, float(low), float(high))
    return differences


def _settings(comparison: Comparison) -> dict[str, Any]:
    names = ("baseline", "num_gifs", "num_resamples", "seed")
    return {name: getattr(comparison, name) for name in names} | {"level": _LEVEL}


def _as_dict(comparison: Comparison, name: str) -> dict[str, Any]:
    differences = comparison.differences.get(name, {})
    return {
        "quality": dataclasses.asdict(comparison.evaluations[name].overall),
        "baseline": comparison.baselines.get(name),
        "differences": {
            key: None if found is None else dataclasses.asdict(found) | {"excludes_zero": found.excludes_zero}
            for key, found in differences.items()
        },
    }


def _text(comparison: Comparison, names: Sequence[str]) -> str:
    """One line for each variant, and a last one on the intervals. confidence_auc where a variant has confidences."""
    rows = [["", *_LABELS.values(), "AUC of confidence"]]
    for name in names:
        overall, differences = comparison.evaluations[name].overall, comparison.differences.get(name, {})
        cells = [_cell(getattr(overall, key), differences.get(key)) for key in _LABELS]
        rows.append([name, *cells, _cell(overall.confidence_auc, None)])
    others = [f"of {name!r} to {to!r}" for name, to in comparison.baselines.items() if to != comparison.baseline]
    to = ", ".join([repr(comparison.baseline), *others])
    return shown_lines(
        [
            *_aligned(rows),
            f"Differences to {to} [{_LEVEL:.0%} interval], {comparison.num_resamples:,} paired "
            f"resamples of {comparison.num_gifs:,} GIFs; * the interval excludes 0",
        ]
    )


def _factors_text(comparison: Comparison, names: Sequence[str], factors: Sequence[str]) -> str:
    """One line for each variant, with each measure by factor of the truth."""
    rows = [["", *(f"{factor} {label}" for label in _OF_FACTORS.values() for factor in factors)]]
    for name in names:
        found = comparison.evaluations[name].factors
        rows.append([name, *(_cell(getattr(found[factor], key), None) for key in _OF_FACTORS for factor in factors)])
    return shown_lines(_aligned(rows))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cell(value: float | None, found: Difference | None) -> str:
    if value is None:
        return "-"
    if found is None:
        return f"{value:.3f}"
    mark = "*" if found.excludes_zero else ""
    return f"{value:.3f} {found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}]{mark}"
