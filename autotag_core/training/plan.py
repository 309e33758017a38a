"""An epoch, planned before its first row is read: which rows are drawn how often, in which order, on which rank.

Drawing by class wants any row at any time; Parquet gives row groups. Three things bring them together. First, the files
are written so that the rows of a row group are about equally rare and otherwise random (udfs/training/examples.py).
So they want about the same number of draws. Second, a row group of rare GIFs is *visited* as often in an epoch as its
most wanted row is drawn. A row group whose GIFs are drawn p < 1 times is visited in every 1/p-th epoch. So few rows are
read in vain, and every GIF has its turn. Third, what is visited together is not drawn together: the draws of `window`
GIFs are shuffled among each other, while their frames are still encoded and small.

Everything follows from (seed, epoch) and the order of the files of one table version, without any state. So a rank
knows what the others do without asking them, and a broken epoch goes on at any step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
_VISITS, _ORDER, _WINDOWS = range(3)
"""The uses of random numbers. Each has a stream of its own."""


@dataclass(frozen=True)
class Draws:
    """Draws of one rank or of all, in the order in which their row groups are visited."""

    examples: Ints  # (d,) which example
    repeats: Ints  # (d,) its how many-th draw in this epoch, from 0: what its augmentation is seeded with
    visits: Ints  # (d,) ascending; draws of the same number are read together
    num_padding: int = 0
    """How many of the last draws only fill the last batches."""

    def __len__(self) -> int:
        return len(self.examples)


def plan_draws(rates: NDArray[np.float64], groups: NDArray[np.int32], seed: int, epoch: int) -> Draws:
    """The draws of an epoch over all ranks. Example i, of row group groups[i], is drawn rates[i] times on average.

    It is drawn at least floor(rates[i]) and at most ceil times; over many epochs exactly rates[i].
    """
    num_groups = int(groups.max()) + 1
    highest = np.zeros(num_groups)
    np.maximum.at(highest, groups, rates)
    share = np.minimum(highest, 1.0)  # share of the epochs that visit the row group
    phase = _random(seed, 0, _VISITS).random(num_groups)
    is_visited = np.floor((epoch + 1) * share + phase) > np.floor(epoch * share + phase)
    rng = _random(seed, epoch, _ORDER)
    chance = np.where(is_visited[groups], rates / np.maximum(share[groups], 1e-12), 0.0)
    counts = np.floor(chance + rng.random(len(rates))).astype(np.int64)
    examples = np.repeat(np.arange(len(rates)), counts)
    repeats = np.arange(len(examples)) - np.repeat(np.cumsum(counts) - counts, counts)
    num_visits = np.zeros(num_groups, np.int64)
    np.maximum.at(num_visits, groups, counts)
    spread = (repeats + rng.random(len(rates))[examples]) / counts[examples]  # over the visits, at most one in each
    visit = (spread * num_visits[groups[examples]]).astype(np.int64)
    first_visit = np.concatenate([[0], np.cumsum(num_visits)])
    place = rng.permutation(first_visit[-1])[first_visit[groups[examples]] + visit]
    order = np.lexsort((examples, place))
    return Draws(examples[order], repeats[order], place[order])


def every_example(groups: NDArray[np.int32]) -> Draws:
    """Each example once, in the order of the files: the draws of a validation or test epoch."""
    count = len(groups)
    return Draws(np.arange(count), np.zeros(count, np.int64), groups.astype(np.int64))


def share_of(draws: Draws, rank: int, world: int, batch_size: int, is_padded: bool) -> Draws:
    """A rank's own draws: as many batches as every other rank has, no draw on two ranks.

    In training, the draws left over after the last full batches are left out; they are other ones in every epoch. With
    is_padded no draw is left out, and the last batches are filled up with the first draws again.
    """
    per_step = world * batch_size
    steps = -(-len(draws) // per_step) if is_padded else len(draws) // per_step
    start, end = rank * steps * batch_size, (rank + 1) * steps * batch_size
    taken = np.arange(start, end)
    num_padding = int((taken >= len(draws)).sum())
    found = taken % max(len(draws), 1)
    visits = draws.visits[found] + taken // max(len(draws), 1) * (draws.visits.max(initial=0) + 1)
    return Draws(draws.examples[found], draws.repeats[found], visits, num_padding)


def shuffled(num_draws: int, window: int, seed: int, epoch: int, rank: int) -> Ints:
    """The order in which the draws of a rank come out: positions 0 .. num_draws - 1, shuffled window by window."""
    rng = np.random.default_rng([seed, epoch, _WINDOWS, rank])
    return np.argsort(np.arange(num_draws) // window + rng.random(num_draws), kind="stable")


def _random(seed: int, epoch: int, purpose: int) -> np.random.Generator:
    return np.random.default_rng([seed, epoch, purpose])
