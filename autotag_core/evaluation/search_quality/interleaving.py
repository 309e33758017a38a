"""Team-draft interleaving: one list of two rankings, whose clicks say which ranking people prefer.

Radlinski, Kurup and Joachims 2008, "How Does Clickthrough Data Reflect Retrieval Quality?", algorithm 2.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass

import numpy as np

from autotag_core.evaluation.search_quality.preferences import Preferences


@dataclass(frozen=True)
class InterleavedList:
    """What is shown, best first, and which GIFs each ranking brought in."""

    gif_ids: tuple[str, ...]
    before: frozenset[str]
    after: frozenset[str]

    def credit(self, clicked: Iterable[str]) -> int:
        """1 where more of the clicked GIFs are after's, -1 where more are before's, else 0. A second click is none."""
        once = set(clicked)
        return int(np.sign(len(once & self.after) - len(once & self.before)))


def interleave(before: Sequence[str], after: Sequence[str], size: int, rng: np.random.Generator) -> InterleavedList:
    """The first `size` GIFs of a draft. A coin says which ranking picks first in each round.

    Each picks its best GIF that is not in the list yet. So a GIF that both have early is of either team as often, and
    who shows it higher has no part in that. Once a ranking has no further GIF, the other one fills the list alone.
    """
    shown: list[str] = []
    teams: tuple[set[str], set[str]] = (set(), set())
    rankings = (before, after)
    while len(shown) < size:
        counts = (len(teams[0]), len(teams[1]))
        picks = int(counts[1] < counts[0]) if counts[0] != counts[1] else int(rng.integers(2))
        best = _best(rankings[picks], shown)
        if best is None:
            picks = 1 - picks
            best = _best(rankings[picks], shown)
        if best is None:
            break
        shown.append(best)
        teams[picks].add(best)
    return InterleavedList(tuple(shown), frozenset(teams[0]), frozenset(teams[1]))


def _best(ranking: Sequence[str], shown: Sequence[str]) -> str | None:
    taken: Set[str] = set(shown)
    return next((gif_id for gif_id in ranking if gif_id not in taken), None)


def count_credits(credits: Iterable[int]) -> Preferences:
    """The searches that after won, before won, and those that nobody won."""
    found = list(credits)
    return Preferences(num_before=found.count(-1), num_after=found.count(1), num_ties=found.count(0))
