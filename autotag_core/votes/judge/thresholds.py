"""The probability from which on a tag is accepted, so that accepted tags are as often right as wanted."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autotag_core.errors import InputError
from autotag_core.votes.judge.reliability import check_rows, check_shares

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

NEVER = 2.0
"""The threshold where no probability reaches the target. It is above every probability; JSON and SQL can hold it."""
PRIOR_ROWS = 10
"""m of the shrunk precision: the calibration's expectation for a tag counts as much as this many of its rows."""
GUARD = 1.0
"""Standard errors by which a precision must reach the target, since the smallest of many thresholds is a lucky one. It
must also miss the target by as many before a tag is given up."""


@dataclass(frozen=True)
class TagThreshold:
    """The least probability at which a tag is accepted, and what is known about that."""

    tag: str | None
    """None: every tag without a row of its own."""
    threshold: float
    num_examples: int
    """Number of fitted rows that the threshold accepts."""
    precision: float | None
    """Share of right rows among those accepted by thresholds that were fitted without the row's GIF. None: no rows."""
    origin: str
    """`own`, or `fallback`: too little is known of the tag alone, so it has the default threshold."""


@dataclass(frozen=True)
class Thresholds:
    """The thresholds of one target precision. `rows` start with the default (tag None), then come tags by name."""

    target_precision: float
    min_examples: int
    rows: tuple[TagThreshold, ...]

    @functools.cached_property
    def default(self) -> float:
        """The threshold of tags that have no own one."""
        return next(row.threshold for row in self.rows if row.tag is None)

    @functools.cached_property
    def by_tag(self) -> dict[str, float]:
        """The thresholds of tags that have an own one."""
        return {row.tag: row.threshold for row in self.rows if row.tag is not None and row.origin == "own"}

    def accepts(self, tags: Sequence[str] | pa.Array, probabilities: npt.ArrayLike) -> Bools:
        """Whether each row's probability (n,) reaches its tag's threshold. Never where it is NaN, not calibrated."""
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
    folds: npt.ArrayLike,
    target_precision: float,
    min_examples: int,
) -> Thresholds:
    """The smallest thresholds at which rows (n,) of tags reach the target precision, 0..1.

    A threshold p is judged by the rows with a probability of at least p; there must be `min_examples` of them. Their
    precision is shrunk towards what the calibration says of them: (right + m * expected) / (n + m), with `expected`
    their mean probability and m = PRIOR_ROWS. It must reach the target by GUARD standard errors (Wilson 1927 of n + m
    rows). The default is the smallest such p over the rows of all tags. A tag has the smallest such p of its own rows,
    or else the default. But its threshold is NEVER if enough of its rows lie above the default and they miss the target
    by GUARD standard errors.

    `probabilities` must not have learned from their own rows (out of fold). Precisions are cross-fitted over `folds`
    (n,). Rows with a probability of NaN are left out. InputError: lengths differ, a tag is null, a probability or the
    target is not 0..1.
    """
    values, right = np.asarray(probabilities, np.float64), np.asarray(is_right, bool)
    names, places = _numbered(tags)
    parts = np.asarray(folds, np.int64)
    check_rows({"tags": places, "probabilities": values, "is_right": right, "folds": parts})
    kept = ~np.isnan(values)
    check_shares("probabilities", values[kept])
    check_shares("target_precision", np.array([target_precision]))
    if min_examples < 1:
        raise InputError(f"min_examples is {min_examples}, it must be at least 1")
    rows = _Rows(values[kept], right[kept], places[kept])
    fitted = _fit(rows, len(names), target_precision, min_examples)
    held_out, held_out_default = _cross_fitted(rows, len(names), parts[kept], target_precision, min_examples)
    found = [_judged(None, rows, fitted.default, "fallback", held_out_default)]
    for place in sorted(np.unique(rows.places), key=lambda one: names[one]):
        mine = fitted.rows_by_tag[place]
        own = fitted.own.get(place)
        threshold, origin = (fitted.default, "fallback") if own is None else (own, "own")
        found.append(_judged(names[place], rows.where(mine), threshold, origin, held_out[mine]))
    return Thresholds(target_precision, min_examples, tuple(found))


@dataclass(frozen=True)
class _Rows:
    values: Floats
    is_right: Bools
    places: npt.NDArray[np.int64]

    def where(self, chosen: Any) -> _Rows:
        return _Rows(self.values[chosen], self.is_right[chosen], self.places[chosen])


@dataclass(frozen=True)
class _Fitted:
    """The default, the thresholds of tags that have their own, and the rows of each tag, both by its place."""

    default: float
    own: dict[int, float]
    rows_by_tag: list[npt.NDArray[np.int64]]

    def limits(self, places: npt.NDArray[np.int64]) -> Floats:
        by_place = np.full(len(self.rows_by_tag), self.default)
        by_place[list(self.own)] = list(self.own.values())
        return np.asarray(by_place[places])


def _fit(rows: _Rows, num_tags: int, target_precision: float, min_examples: int) -> _Fitted:
    default = _smallest_threshold(rows, target_precision, min_examples)
    order = np.argsort(rows.places, kind="stable")
    bounds = np.searchsorted(rows.places[order], np.arange(num_tags + 1))
    rows_by_tag = [order[bounds[place] : bounds[place + 1]] for place in range(num_tags)]
    own = {}
    for place, mine in enumerate(rows_by_tag):
        if len(mine) >= min_examples:
            threshold = _own_threshold(rows.where(mine), default, target_precision, min_examples)
            if threshold is not None:
                own[place] = threshold
    return _Fitted(default, own, rows_by_tag)


def _own_threshold(mine: _Rows, default: float, target_precision: float, min_examples: int) -> float | None:
    """A tag's own threshold, NEVER, or None where its rows say too little."""
    threshold = _smallest_threshold(mine, target_precision, min_examples)
    if threshold < NEVER:
        return threshold
    at_default = mine.where(mine.values >= default)
    num = len(at_default.values)
    if num < min_examples:
        return None
    shrunk = _shrunk(at_default.is_right.sum(), np.sort(at_default.values).sum(), num)
    return NEVER if _wilson(shrunk, num + PRIOR_ROWS, GUARD) < target_precision else None


def _smallest_threshold(rows: _Rows, target_precision: float, min_examples: int) -> float:
    """One of the probabilities, or NEVER."""
    order = np.lexsort((rows.is_right, -rows.values))  # within ties too, since sums must not depend on the rows' order
    values = rows.values[order]
    nums = np.arange(1, len(values) + 1)
    shrunk = _shrunk(np.cumsum(rows.is_right[order]), np.cumsum(values), nums)
    reached = _wilson(shrunk, nums + PRIOR_ROWS, -GUARD) >= target_precision
    is_last_of_tie = np.append(values[1:] != values[:-1], True)[: len(values)]
    found = np.flatnonzero(is_last_of_tie & (nums >= min_examples) & reached)
    return float(values[found[-1]]) if len(found) else NEVER


def _cross_fitted(
    rows: _Rows, num_tags: int, folds: npt.NDArray[np.int64], target_precision: float, min_examples: int
) -> tuple[Bools, Bools]:
    """Whether each row (n,) is accepted by its tag's threshold, and by the default, of a fit to the other folds."""
    accepted, by_default = np.zeros(len(folds), bool), np.zeros(len(folds), bool)
    for fold in np.unique(folds):
        held, rest = folds == fold, folds != fold
        needed = max(1, round(min_examples * rest.mean()))
        fitted = _fit(rows.where(rest), num_tags, target_precision, needed)
        accepted[held] = rows.values[held] >= fitted.limits(rows.places[held])
        by_default[held] = rows.values[held] >= fitted.default
    return accepted, by_default


def _judged(tag: str | None, rows: _Rows, threshold: float, origin: str, held_out: Bools) -> TagThreshold:
    precision = float(rows.is_right[held_out].mean()) if held_out.any() else None
    return TagThreshold(tag, threshold, int((rows.values >= threshold).sum()), precision, origin)


def _shrunk(num_right: Any, sum_of_probabilities: Any, num: Any) -> Any:
    return (num_right + PRIOR_ROWS * sum_of_probabilities / num) / (num + PRIOR_ROWS)


def _wilson(share: Any, num: Any, z: float) -> Any:
    """The end of a share's interval |z| standard errors above it, or below it if z is negative."""
    centre = share + z * z / (2 * num)
    return (centre + z * np.sqrt(share * (1 - share) / num + z * z / (4 * num * num))) / (1 + z * z / num)


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
