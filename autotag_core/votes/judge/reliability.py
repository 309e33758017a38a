"""How far probabilities mean what they say: of the tags called 70% probable, are 70% right?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autotag_core.errors import InputError


@dataclass(frozen=True)
class Bin:
    """The rows whose probability is at least `low` and below `high`. The last bin holds 1 too."""

    low: float
    high: float
    num: int
    mean_probability: float
    share_right: float


def reliability_table(probabilities: npt.ArrayLike, is_right: npt.ArrayLike, num_bins: int = 10) -> list[Bin]:
    """Bins of equal width over 0..1, lowest first, without empty ones. Rows (n,) with NaN are left out."""
    values, right = np.asarray(probabilities, np.float64), np.asarray(is_right, bool)
    check_rows({"probabilities": values, "is_right": right})
    check_shares("probabilities", values[~np.isnan(values)])
    if num_bins < 1:
        raise InputError(f"num_bins is {num_bins}, it must be at least 1")
    values, right = values[~np.isnan(values)], right[~np.isnan(values)]
    edges = np.arange(num_bins + 1) / num_bins
    places = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, num_bins - 1)
    counts = np.bincount(places, minlength=num_bins)
    means = np.bincount(places, weights=values, minlength=num_bins) / np.maximum(counts, 1)
    shares = np.bincount(places, weights=right, minlength=num_bins) / np.maximum(counts, 1)
    return [
        Bin(float(edges[i]), float(edges[i + 1]), int(counts[i]), float(means[i]), float(shares[i]))
        for i in np.flatnonzero(counts)
    ]


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """Mean |mean_probability - share_right| weighted by num (Guo et al. 2017), 0..1. None without rows."""
    num = sum(one.num for one in bins)
    return sum(one.num * abs(one.mean_probability - one.share_right) for one in bins) / num if num else None


def check_rows(columns: dict[str, npt.NDArray]) -> None:
    """InputError unless all columns are one-dimensional and of one length."""
    shapes = {name: column.shape for name, column in columns.items()}
    if len(set(shapes.values())) > 1 or any(len(shape) != 1 for shape in shapes.values()):
        found = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise InputError(f"one value a row is needed in every column, these are {found}")


def check_shares(name: str, values: npt.NDArray[np.float64]) -> None:
    """InputError that names the first value outside 0..1, NaN included."""
    outside = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if len(outside):
        raise InputError(f"{name}[{outside[0]}] is {values[outside[0]]}, it must be 0..1")
