"""How often each expert predicts a right tag, from pairs: what udfs/votes/votes.py counts, for any part of the GIFs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from autotag_core.votes.evidence.evidence import Bools, Evidence, Ints
from autotag_core.votes.judge.rules import ExpertWeight


@dataclass(frozen=True)
class Predictions:
    """For num GIFs: whether the expert has neighbors, whether a tag it predicts is right, and the same for new tags."""

    is_seen: Bools
    is_right: Bools
    lacks: Bools
    """Whether the GIF lacks a true tag."""
    is_new_right: Bools

    def weight(self, chosen: Bools, otherwise: ExpertWeight) -> ExpertWeight:
        """The weights over the chosen GIFs (num,). A part about which these say nothing stays as in `otherwise`."""
        seen, lacking = chosen & self.is_seen, chosen & self.is_seen & self.lacks
        published = float(self.is_right[seen].mean()) if seen.any() else otherwise.published
        on_new_tags = float(self.is_new_right[lacking].mean()) if lacking.any() else otherwise.on_new_tags
        return ExpertWeight(published, on_new_tags, otherwise.on_own_tags)


def predictions(evidence: Evidence, is_right: Bools, lacks: Bools, num_predicted: int) -> dict[str, Predictions]:
    """By expert, from all pairs (n,) of GIFs with a truth, sorted by GIF and tag. lacks (n,) is the same in a GIF."""
    num = int(evidence.gifs.max()) + 1 if len(evidence) else 0
    found = {}
    for name, expert in evidence.experts.items():
        voted = expert.votes > 0
        found[name] = Predictions(
            is_seen=_any_of_gif(evidence.gifs, ~np.isnan(expert.share), num),
            is_right=_predicts(evidence.gifs, expert.votes, voted, is_right, num_predicted, num),
            lacks=_any_of_gif(evidence.gifs, lacks, num),
            is_new_right=_predicts(evidence.gifs, expert.votes, voted & ~evidence.is_own, is_right, num_predicted, num),
        )
    return found


def _predicts(gifs: Ints, votes: Ints, chosen: Bools, is_right: Bools, num_predicted: int, num: int) -> Bools:
    """For each GIF (num,): whether one of the num_predicted chosen tags with the most votes is right."""
    rows = np.flatnonzero(chosen)
    rows = rows[np.lexsort((rows, -votes[rows], gifs[rows]))]
    rank = np.arange(len(rows)) - np.searchsorted(gifs[rows], gifs[rows], side="left")
    best = rows[rank < num_predicted]
    return _any_of_gif(gifs[best], is_right[best], num)


def _any_of_gif(gifs: Ints, flags: Bools, num: int) -> Bools:
    return np.bincount(gifs[flags], minlength=num) > 0
