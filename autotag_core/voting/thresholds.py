"""From which probability on a tag is accepted, so that accepted tags are as often right as wanted."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autotag_core.errors import InputError
from autotag_core.voting.reliability import check_rows, check_shares

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = 2.0
"""The threshold where no probability reaches the target: above every probability, and JSON and SQL can hold it."""
PRIOR_ROWS = 10
"""m of the shrunk precision: what the calibration expects of a tag's rows counts as much as so many of them."""


@dataclass(frozen=True)
class TagThreshold:
    """The least probability at which a tag is accepted, and what is known about that."""

    tag: str | None
    """None: every tag without a row of its own."""
    threshold: float
    num_examples: int
    """Of the fitted rows those that the threshold accepts."""
    precision: float | None
    """Their shrunk precision; None without any."""
    origin: Literal["own", "fallback"]
    """`fallback`: the tag has too few examples, the threshold is the default."""


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of one target precision; `rows` start with the default (tag None), then come tags by name."""

    target_precision: float
    min_examples: int
    rows: tuple[TagThreshold, ...]

    @functools.cached_property
    def default(self) -> float:
        """The threshold of tags that have none of their own."""
        return next(row.threshold for row in self.rows if row.tag is None)

    @functools.cached_property
    def by_tag(self) -> dict[str, float]:
        """The thresholds of tags that have one of their own."""
        return {row.tag: row.threshold for row in self.rows if row.tag is not None and row.origin == "own"}

    def accepts(self, tags: Sequence[str] | pa.Array, probabilities: npt.ArrayLike) -> Bools:
        """Whether each row's probability (n,) reaches its tag's threshold; never where it is NaN, not calibrated."""
        values = np.asarray(probabilities, np.float64)
        names, places = _numbered(tags)
        check_rows({"tags": places, "probabilities": values})
        limits = np.array([self.by_tag.get(name, self.default) for name in names], np.float64)
        return np.asarray(values >= limits[places])

    def to_rows(self) -> list[dict[str, Any]]:
        """Rows {tag, threshold, num_examples, precision, origin} of the table tag_thresholds."""
        return [asdict(row) for row in self.rows]


def fit_thresholds(
    tags: Sequence[str] | pa.Array,
    probabilities: npt.ArrayLike,
    is_right: npt.ArrayLike,
    target_precision: float,
    min_examples: int,
) -> Thresholds:
    """The smallest thresholds at which rows (n,) of tags reach the target precision, 0..1.

    A threshold p is judged by the rows with a probability of at least p, of which there must be `min_examples`. Their
    precision is shrunk towards what the calibration says of them, (right + m * expected) / (n + m) with `expected`
    their mean probability and m = PRIOR_ROWS, since the smallest of many thresholds is often a lucky one. A tag with
    `min_examples` rows gets its own threshold, NEVER if none reaches the target; a rarer one gets the default, judged
    the same way over the rows of all tags. Rows with a probability of NaN are left out. InputError: lengths differ, a
    tag is null, a probability or the target is not 0..1.
    """
    values, right = np.asarray(probabilities, np.float64), np.asarray(is_right, bool)
    names, places = _numbered(tags)
    check_rows({"tags": places, "probabilities": values, "is_right": right})
    kept = ~np.isnan(values)
    values, right, places = values[kept], right[kept], places[kept]
    check_shares("probabilities", values)
    check_shares("target_precision", np.array([target_precision]))
    if min_examples < 1:
        raise InputError(f"min_examples is {min_examples}, it must be at least 1")
    default = _smallest_threshold(values, right, target_precision, min_examples)
    rows = [_judged(None, default, values, right, "fallback")]
    order = np.argsort(places, kind="stable")
    bounds = np.searchsorted(places[order], np.arange(len(names) + 1))
    for i in sorted(range(len(names)), key=names.__getitem__):
        mine = order[bounds[i] : bounds[i + 1]]
        if len(mine) >= min_examples:
            threshold = _smallest_threshold(values[mine], right[mine], target_precision, min_examples)
            rows.append(_judged(names[i], threshold, values[mine], right[mine], "own"))
        elif len(mine):
            rows.append(_judged(names[i], default, values[mine], right[mine], "fallback"))
    return Thresholds(target_precision, min_examples, tuple(rows))


def _smallest_threshold(probabilities: Floats, is_right: Bools, target_precision: float, min_examples: int) -> float:
    """One of the probabilities, or NEVER."""
    order = np.lexsort((is_right, -probabilities))  # within ties too, so that sums do not depend on the order of rows
    values = probabilities[order]
    nums = np.arange(1, len(values) + 1)
    precisions = _shrunk(np.cumsum(is_right[order]), np.cumsum(values), nums)
    is_last_of_tie = np.append(values[1:] != values[:-1], True)[: len(values)]
    reached = np.flatnonzero(is_last_of_tie & (nums >= min_examples) & (precisions >= target_precision))
    return float(values[reached[-1]]) if len(reached) else NEVER


def _judged(
    tag: str | None, threshold: float, probabilities: Floats, is_right: Bools, origin: Literal["own", "fallback"]
) -> TagThreshold:
    accepted = probabilities >= threshold
    num = int(accepted.sum())
    precision = float(_shrunk(is_right[accepted].sum(), np.sort(probabilities[accepted]).sum(), num)) if num else None
    return TagThreshold(tag, threshold, num, precision, origin)


def _shrunk(num_right: Any, sum_of_probabilities: Any, num: Any) -> Any:
    return (num_right + PRIOR_ROWS * sum_of_probabilities / num) / (num + PRIOR_ROWS)


def _numbered(tags: Sequence[str] | pa.Array) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The distinct tags, and each row's place among them (n,)."""
    if isinstance(tags, pa.ChunkedArray):
        tags = tags.combine_chunks()
    try:
        column = (tags if isinstance(tags, pa.Array) else pa.array(tags, pa.string())).cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise InputError(f"tags must be strings, one a row: {error}") from None
    if column.null_count:
        raise InputError(f"tags[{column.is_null().index(True).as_py()}] is null, it must be a tag")
    encoded = column.dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
