"""Whether probabilities mean what they say: of the tags given 0.8, are 80% right?"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core.evaluation.quality import measured_gifs
from autotag_core.evaluation.tag_pairs import Numbers, among
from autotag_core.splits import TRAIN
from autotag_core.votes import Bin, expected_calibration_error, reliability_table


@dataclass(frozen=True)
class Reliability:
    """For the voted tags with a probability: how many, the expected calibration error, and the reliability table."""

    num_tags: int
    ece: float | None
    bins: tuple[Bin, ...]
    accepted_precision: float | None
    """Share of right tags among those whose probability reached their threshold. None without thresholds."""

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(asdict(self))

    def to_text(self) -> str:
        """The error, then a line for each bin of probabilities."""
        if self.ece is None:
            return "No voted tag has a probability: too few validation GIFs, see `autotag runs --json`"
        lines = [f"Calibration error (ECE) of {self.num_tags:,} tags: {self.ece:.3f}"]
        if self.accepted_precision is not None:
            lines.append(f"Right among accepted tags: {self.accepted_precision:.3f}")
        lines.append(f"{'probability':>16}{'tags':>10}{'mean':>8}{'right':>8}")
        lines += [
            f"{f'{bin.low:.1f} to {bin.high:.1f}':>16}{bin.num:>10,}{bin.mean_probability:>8.3f}{bin.share_right:>8.3f}"
            for bin in self.bins
        ]
        return "\n".join(lines)


def reliability(voted_tags: pa.Table, catalog: pa.Table, truth: pa.Table, split: str = TRAIN) -> Reliability:
    """Compare the probabilities (gif_id, tag, probability, accepted) of a split's GIFs with the truth.

    Probabilities come from validation GIFs. Train GIFs taught the lifts and some of the experts; test GIFs taught
    nothing. InputError where no GIF of the split is in the truth.
    """
    known = measured_gifs(catalog, truth, split)
    voted = voted_tags.filter(pc.is_valid(voted_tags["probability"]))
    numbers = Numbers(known, truth, voted)
    keys = numbers.keys(voted["gif_id"], voted["tag"])
    measured = keys >= 0
    is_right = among(keys[measured], numbers.listed_keys(truth["gif_id"], truth["tags"]))
    probabilities = np.asarray(voted["probability"].to_numpy(zero_copy_only=False), np.float64)[measured]
    bins = reliability_table(probabilities, is_right)
    accepted = np.asarray(pc.fill_null(voted["accepted"], False).to_numpy(zero_copy_only=False), bool)[measured]
    return Reliability(
        num_tags=int(measured.sum()),
        ece=expected_calibration_error(bins),
        bins=tuple(bins),
        accepted_precision=float(is_right[accepted].mean()) if accepted.any() else None,
    )
