"""Compiled loops that draw which rows beside a row are compared with each other in a round of NN-descent.

Samples are (rows, sampled) descending numbers: a drawn number in the upper half, the row in the lower one, and NOBODY
after the last. Lists are as in graph_loops. The lists and the round's number alone decide which rows are drawn.
"""

from __future__ import annotations

import numpy as np

from autotag_core.compiled import compiled
from autotag_core.neighbors.distances import Integers
from autotag_core.neighbors.graph.graph_loops import NOBODY, row_in


@compiled
def draw(one: int, other: int, number: int) -> int:
    """A number of 31 random bits above 32 zeros, the same for two rows in either order."""
    mixed = np.uint64(min(one, other)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= np.uint64(max(one, other) + (number << 32)) * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xFF51AFD7ED558CCD)
    return int(np.int64(mixed >> np.uint64(33))) << 32


@compiled
def keep(drawn: int, sample: Integers) -> None:
    """Put it into a descending list of the largest, once."""
    if drawn <= sample[-1]:
        return
    before = 0
    for i in range(len(sample)):
        before += sample[i] > drawn
    if sample[before] != drawn:
        for i in range(len(sample) - 1, before, -1):
            sample[i] = sample[i - 1]
        sample[before] = drawn


@compiled
def fill_fresh(lists: Integers, fresh: Integers, number: int, bounds: tuple[int, int]) -> None:
    """For each row of `bounds`, draw rows that are fresh beside it, or that it is fresh beside; NOBODY after the last.

    Where there are more rows than places, each has the same chance, drawn from the round's number and both rows. The
    largest drawn numbers stay, with the row in their lower half.
    """
    start, end = bounds
    fresh[start:end] = NOBODY
    for row in range(len(lists)):
        is_within = start <= row < end
        for i in range(lists.shape[1]):
            place = lists[row, i]
            other = row_in(place)
            if place != NOBODY and place & 1 and (is_within or start <= other < end):
                drawn = draw(row, other, number)
                if is_within:
                    keep(drawn | other, fresh[row])
                if start <= other < end:
                    keep(drawn | row, fresh[other])


@compiled
def fill_known(lists: Integers, fresh: Integers, known: Integers, number: int, bounds: tuple[int, int]) -> None:
    """As fill_fresh, but of the rows that are not fresh, and only for rows that have a fresh one."""
    start, end = bounds
    known[start:end] = NOBODY
    for row in range(len(lists)):
        is_within = start <= row < end and fresh[row, 0] != NOBODY
        for i in range(lists.shape[1]):
            place = lists[row, i]
            if place == NOBODY or place & 1:
                continue
            other = row_in(place)
            is_other = start <= other < end and fresh[other, 0] != NOBODY
            if is_within or is_other:
                drawn = draw(row, other, number)
                if is_within:
                    keep(drawn | other, known[row])
                if is_other:
                    keep(drawn | row, known[other])


@compiled
def mark_known(lists: Integers, fresh: Integers, bounds: tuple[int, int]) -> None:
    """Mark the drawn rows in the lists as no longer fresh."""
    for row in range(bounds[0], bounds[1]):
        for i in range(lists.shape[1]):
            place = lists[row, i]
            if place == NOBODY or not place & 1:
                continue
            for j in range(fresh.shape[1]):
                if fresh[row, j] == NOBODY:
                    break
                if fresh[row, j] & 0xFFFFFFFF == row_in(place):
                    lists[row, i] = place - 1
                    break
