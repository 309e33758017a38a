"""Variants of the voted tags beside each other: what each gains or loses, and whether chance alone would do that."""

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

_LEVEL = 0.95
_LABELS = {"precision_at_1": "precision@1", "added_at_1": "added@1", "missing_recall_at_5": "missing@5", "auc": "AUC"}
_NEEDED = ("gif_id", "tag", "score", "confidence")


@dataclass(frozen=True)
class Difference:
    """A variant's measure less the baseline's, and the 95% interval of that over resampled GIFs."""

    difference: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies wholly above or below 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Comparison:
    """Variants by name in the order given; each with its quality and, by measure, its difference to the baseline."""

    baseline: str
    num_gifs: int
    num_resamples: int
    seed: int
    evaluations: dict[str, Evaluation]
    differences: dict[str, dict[str, Difference | None]]
    """By variant, the baseline left out, then by measure; None where the measure is undefined."""

    def to_text(self) -> str:
        """One line a variant: each measure with its difference to the baseline [low, high], * where that excludes 0."""
        return _text(self, list(self.evaluations), ())

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
) -> Comparison:
    """Measure each variant's voted tags as `evaluate` does, and their differences to the baseline by paired bootstrap.

    GIFs are drawn with replacement `num_resamples` times, each time the same for all variants, so that what makes a
    GIF hard for all of them cancels out; the interval is the middle 95% of the differences, over the resamples in
    which the measure is defined. InputError: an unknown baseline, no resamples, a variant that lacks a column.
    """
    if baseline not in variants:
        raise InputError(
            f"the baseline {baseline!r} is none of the variants: {', '.join(variants) or 'there are none'}"
        )
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
    resamples -= resamples[:, [list(variants).index(baseline)]]
    differences = {
        name: _differences(evaluations[name], evaluations[baseline], resamples[:, i])
        for i, name in enumerate(variants)
        if name != baseline
    }
    return Comparison(baseline, known.num_rows, num_resamples, seed, evaluations, differences)


def ablation_text(comparison: Comparison) -> str:
    """`to_text` for the variants "all" (the baseline), "without X" and "X alone", with precision@1 by factor."""
    names = _ablation_names(comparison)
    return _text(comparison, names, tuple(comparison.evaluations[names[0]].factors))


def ablation_json(comparison: Comparison) -> str:
    """`to_json` for the same variants; each has `factors` too, its precision@1 by factor of the truth."""
    variants = {
        name: _as_dict(comparison, name)
        | {"factors": {factor: found.precision_at_1 for factor, found in comparison.evaluations[name].factors.items()}}
        for name in _ablation_names(comparison)
    }
    return json.dumps(_settings(comparison) | {"variants": variants})


def _ablation_names(comparison: Comparison) -> list[str]:
    """All, then every "without X", then every "X alone"; InputError for any other name or baseline."""
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
        "differences": {
            key: None if found is None else dataclasses.asdict(found) | {"excludes_zero": found.excludes_zero}
            for key, found in differences.items()
        },
    }


def _text(comparison: Comparison, names: Sequence[str], factors: Sequence[str]) -> str:
    rows = [["", *_LABELS.values(), *(f"{factor} @1" for factor in factors)]]
    for name in names:
        evaluation, differences = comparison.evaluations[name], comparison.differences.get(name, {})
        cells = [_cell(getattr(evaluation.overall, key), differences.get(key)) for key in _LABELS]
        rows.append([name, *cells, *(_cell(evaluation.factors[factor].precision_at_1, None) for factor in factors)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.append(
        f"Differences to {comparison.baseline!r} [{_LEVEL:.0%} interval], {comparison.num_resamples:,} paired "
        f"resamples of {comparison.num_gifs:,} GIFs; * the interval excludes 0"
    )
    return "\n".join(lines)


def _cell(value: float | None, found: Difference | None) -> str:
    if value is None:
        return "-"
    if found is None:
        return f"{value:.3f}"
    mark = "*" if found.excludes_zero else ""
    return f"{value:.3f} {found.difference:+.3f} [{found.low:+.3f}, {found.high:+.3f}]{mark}"
