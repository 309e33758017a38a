"""Whom GIFs are said to show, against who is known to be in them: measures with 95% intervals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from autotag_core.faces.chance import wilson

RESAMPLES = 1000
_SEED = 7


@dataclass(frozen=True)
class JudgedGif:
    """A GIF: person ids of the enrolled who are in it, of those who were named, and how many strangers are in it."""

    truth: frozenset[str]
    named: frozenset[str]
    num_strangers: int = 0


@dataclass(frozen=True)
class Figure:
    """A measure, the 95% interval that other GIFs would have given, and out of how many it is."""

    value: float
    low: float
    high: float
    count: int


@dataclass(frozen=True)
class PeopleQuality:
    """How well a gallery names the people of GIFs. None: nothing to measure it on."""

    exact: Figure | None
    """GIFs whose enrolled people are named exactly, and nobody else."""
    f1: Figure | None
    """Of pairs of a GIF and a person who is in it or is named."""
    strangers_named: Figure | None
    """People who are not enrolled, and for whom a GIF has a wrong name."""

    def to_json(self) -> str:
        """One JSON object: value, low, high and count of each measure, or null."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """A table: a line a measure with its interval."""
        rows: tuple[tuple[str, Figure | None], ...] = (
            ("GIFs named exactly right", self.exact),
            ("F1 of people and GIFs", self.f1),
            ("strangers named", self.strangers_named),
        )
        return "\n".join(
            [f"{'':26}{'value':>8}{'95% interval':>18}{'of':>8}", *(_line(name, one) for name, one in rows)]
        )


def _line(name: str, one: Figure | None) -> str:
    if one is None:
        return f"{name:26}{'-':>8}{'':18}{0:>8}"
    return f"{name:26}{one.value:>8.3f}{f'{one.low:.3f} to {one.high:.3f}':>18}{one.count:>8}"


def measure_people(gifs: Sequence[JudgedGif]) -> PeopleQuality:
    """The measures over GIFs.

    Shares have Wilson's interval (1927). F1 has that of RESAMPLES of the GIFs with replacement (Efron and Tibshirani
    1993), since the people of one GIF are not independent.
    """
    right = np.array([len(gif.named & gif.truth) for gif in gifs])
    wrong = np.array([len(gif.named - gif.truth) for gif in gifs])
    missed = np.array([len(gif.truth - gif.named) for gif in gifs])
    strangers = np.array([gif.num_strangers for gif in gifs])
    num_exact = int(((wrong == 0) & (missed == 0)).sum())
    named = int(np.minimum(wrong, strangers).sum())
    return PeopleQuality(
        share(num_exact, len(gifs)), _f1(right, wrong, missed), share(named, int(strangers.sum()) if len(gifs) else 0)
    )


def share(count: int, total: int) -> Figure | None:
    """count of total with Wilson's 95% interval; None of nothing."""
    if not total:
        return None
    return Figure(count / total, *wilson(count, total), total)


def _f1(right: np.ndarray, wrong: np.ndarray, missed: np.ndarray) -> Figure | None:
    if not (right + wrong + missed).sum():
        return None
    # 2 r / (2 r + w + m): the numbers of drawn GIFs are summed first
    parts = np.stack([2 * right, 2 * right + wrong + missed])  # (2, n)
    drawn = np.random.default_rng(_SEED).integers(len(right), size=(RESAMPLES, len(right)))
    sums = parts[:, drawn].sum(axis=2)  # (2, RESAMPLES)
    values = sums[0][sums[1] > 0] / sums[1][sums[1] > 0]
    low, high = np.percentile(values, (2.5, 97.5))
    return Figure(float(parts[0].sum() / parts[1].sum()), float(low), float(high), int((right + missed).sum()))
