"""What a rule made of each GIF of a catalog, small enough to be committed, and what changed against it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autotag_core.evaluation.bootstrap import MEASURES as RESAMPLED
from autotag_core.evaluation.bootstrap import resampled_measures
from autotag_core.evaluation.per_gif import PerGif
from autotag_core.evaluation.quality import measure, measured_gifs

Floats = npt.NDArray[np.float64]
MEASURES = {"auc": "AUC", "added_at_1": "added@1", "missing_recall_at_5": "missing@5"}
"""Of those that are resampled, the ones that are guarded."""
NUM_RESAMPLES, SEED = 1000, 7
_LEVEL = 0.95
_KINDS = {"scores": np.float32, "is_right": np.bool_}


@dataclass(frozen=True)
class Outcomes:
    """The numbers that measures are made of, GIF by GIF (`PerGif`), of so many measured GIFs."""

    num_gifs: int
    per_gif: PerGif


@dataclass(frozen=True)
class Change:
    """A measure now minus the committed one, and the ends of the interval of that difference."""

    difference: float
    low: float
    high: float

    @property
    def is_loss(self) -> bool:
        """Whether it is worse, whichever GIFs of that kind had been drawn."""
        return self.high < 0

    def text(self) -> str:
        """`+0.012 [-0.003, +0.027]`, with a mark on a loss."""
        mark = " LOSS" if self.is_loss else ""
        return f"{self.difference:+.3f} [{self.low:+.3f}, {self.high:+.3f}]{mark}"


def outcomes_of(voted: pa.Table, catalog: pa.Table, truth: pa.Table) -> Outcomes:
    """The outcomes on the catalog's train GIFs; GIFs are numbered by id, so that two nights compare."""
    known = measured_gifs(catalog, truth).sort_by("gif_id")
    return Outcomes(known.num_rows, measure(voted, known, truth)[1])


def differences(committed: Outcomes, now: Outcomes) -> dict[str, Floats]:
    """By measure, now minus committed in each of NUM_RESAMPLES paired resamples of the GIFs.

    ValueError where the GIFs are others.
    """
    if committed.num_gifs != now.num_gifs:
        raise ValueError(f"{committed.num_gifs} GIFs are committed and {now.num_gifs} measured: not the same catalog")
    resamples = resampled_measures([committed.per_gif, now.per_gif], now.num_gifs, NUM_RESAMPLES, SEED)
    places = {name: RESAMPLED.index(name) for name in MEASURES}
    return {name: resamples[:, 1, place] - resamples[:, 0, place] for name, place in places.items()}


def change_of(resampled: Floats) -> Change:
    """The change whose resamples (n,) these are; those with nothing to measure are left out."""
    known = resampled[~np.isnan(resampled)]
    if not len(known):
        return Change(0.0, 0.0, 0.0)
    low, high = np.quantile(known, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2])
    return Change(float(known.mean()), float(low), float(high))


def write_outcomes(path: Path, outcomes: Outcomes) -> None:
    """A compressed file of plain arrays, some 10 KB for 400 GIFs."""
    arrays = {}
    for field in fields(PerGif):
        if field.name not in ("confidences", "probabilities"):
            values = getattr(outcomes.per_gif, field.name)
            arrays[field.name] = values.astype(_KINDS.get(field.name, np.int16))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, num_gifs=np.int64(outcomes.num_gifs), **arrays)


def read_outcomes(path: Path) -> Outcomes:
    """What write_outcomes wrote."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "num_gifs"}
        num_gifs = int(file["num_gifs"])
    unknown = np.full(len(arrays["scores"]), np.nan)
    columns = {
        name: values.astype(bool if name == "is_right" else np.float64 if name == "scores" else np.int64)
        for name, values in arrays.items()
    }
    return Outcomes(num_gifs, PerGif(**columns, confidences=unknown, probabilities=unknown))
