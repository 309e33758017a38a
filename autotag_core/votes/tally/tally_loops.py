"""The vote's compiled inner loops: the tags of a GIF's neighbors counted.

Loads numba: import it where it is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autotag_core.compiled import compiled
from autotag_core.votes.tally.string_loops import Int32s, Int64s, Strings, compare

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Lists(NamedTuple):
    """Rows of whole GIFs. GIF g has the rows gif_starts[g]:gif_starts[g + 1], row r the items starts[r]:starts[r + 1].

    experts (rows,): the expert whose neighbors a row lists, or -1: the items are the GIF's tags (`Abouts`).
    """

    gif_starts: Int64s
    experts: Int32s
    starts: Int64s


class Found(NamedTuple):
    """The tags of n neighbors. Neighbor i has tags[starts[i]:starts[i + 1]]."""

    starts: Int64s
    tags: Int32s


class Abouts(NamedTuple):
    """What rows about GIFs say. Their items are, no tag twice and in this order: tags that only an editor gave, those
    that the uploader gave too, the uploader's others, and those that only came with copies of the GIF.

    first_own, num_editorial, first_copied (rows,): where in a row's items the uploader's begin, the editor's end and
    those of copies begin. numbers (items,): each tag's number.
    """

    numbers: Int32s
    first_own: Int32s
    num_editorial: Int32s
    first_copied: Int32s
    is_train: Bools


class Tally(NamedTuple):
    """For one GIF: its distinct tags in the slots 0, 1, ..., and slot_of[tag], to be checked with tags[slot]."""

    slot_of: Int32s
    tags: Int32s
    weights: Int64s  # (slots, experts)
    votes: Int32s  # (slots, experts)


@compiled
def as_meant(found: Found, meant: Int32s, only_own: bool) -> Found:
    """The tags by what each was `meant` as (tags,), each once for a neighbor. If `meant` is empty, all are as written.

    A tag that only an editor gave comes as ~number. With only_own it is left out, else it counts like the others.
    """
    starts, tags = np.zeros(len(found.starts), np.int64), np.empty(len(found.tags), np.int32)
    num = 0
    for i in range(len(starts) - 1):
        first = num
        for at in range(found.starts[i], found.starts[i + 1]):
            tag = found.tags[at]
            if tag < 0:
                if only_own:
                    continue
                tag = ~tag
            if len(meant) == 0:
                tags[num] = tag
                num += 1
                continue
            tag = meant[tag]
            is_new = True
            for other in range(first, num):
                is_new = is_new and tags[other] != tag
            if is_new:
                tags[num] = tag
                num += 1
        starts[i + 1] = num
    return Found(starts, tags[:num])


@compiled
def new_tally(lists: Lists, found: Found, num_tags: int, num_experts: int) -> Tally:
    """Room for the GIF with the most tags."""
    most = 0
    for gif in range(len(lists.gif_starts) - 1):
        first, last = lists.starts[lists.gif_starts[gif]], lists.starts[lists.gif_starts[gif + 1]]
        most = max(most, found.starts[last] - found.starts[first] + last - first)
    most = min(most, num_tags) + 1
    return Tally(
        np.zeros(num_tags, np.int32),
        np.zeros(most, np.int32),
        np.zeros((most, num_experts), np.int64),
        np.zeros((most, num_experts), np.int32),
    )


@compiled
def slot_of(tally: Tally, tag: int, num_slots: int) -> int:
    """The tag's slot, or num_slots where it has none yet (Briggs and Torczon 1993: nothing is ever cleared)."""
    slot = tally.slot_of[tag]
    return slot if slot < num_slots and tally.tags[slot] == tag else num_slots


@compiled
def take_slot(tally: Tally, tag: int, num_slots: int) -> int:
    """The tag's slot. If it has none yet, it gets the next one, num_slots, with nothing in it."""
    slot = slot_of(tally, tag, num_slots)
    if slot == num_slots:
        tally.slot_of[tag] = num_slots
        tally.tags[num_slots] = tag
        tally.weights[num_slots] = 0
        tally.votes[num_slots] = 0
    return slot


@compiled
def count_tags(lists: Lists, found: Found, weights: Int64s, neighbors: int, tally: Tally, gif: int) -> int:
    """For every tag of a neighbor of the GIF, sum up weights (items,) and the votes of each list's first `neighbors`;
    gives the number of slots.
    """
    # Named one by one, and without slot_of: numba counts references whenever a tuple is passed or read.
    slots, slot_tags, sums, votes = tally
    starts, tags = found
    num_slots, num_experts = 0, votes.shape[1]
    for row in range(lists.gif_starts[gif], lists.gif_starts[gif + 1]):
        expert, first = lists.experts[row], lists.starts[row]
        if expert < 0:
            continue
        for item in range(first, lists.starts[row + 1]):
            vote, weight = 1 if item - first < neighbors else 0, weights[item]
            for at in range(starts[item], starts[item + 1]):
                tag = tags[at]
                slot = slots[tag]
                if slot >= num_slots or slot_tags[slot] != tag:
                    slot = num_slots
                    num_slots += 1
                    slots[tag] = slot
                    slot_tags[slot] = tag
                    for other in range(num_experts):
                        sums[slot, other] = 0
                        votes[slot, other] = 0
                sums[slot, expert] += weight
                votes[slot, expert] += vote
    return num_slots


@compiled
def about_row(lists: Lists, gif: int) -> int:
    """The row about the GIF itself; -1 without one."""
    for row in range(lists.gif_starts[gif], lists.gif_starts[gif + 1]):
        if lists.experts[row] < 0:
            return row
    return -1


@compiled
def distinct_neighbors(lists: Lists, strings: Strings, neighbors: int, gif: int, room: Int64s) -> int:
    """Put the items among the first `neighbors` of the GIF's lists into room, in the order of their ids, each id once;
    gives how many there are.
    """
    num = 0
    for row in range(lists.gif_starts[gif], lists.gif_starts[gif + 1]):
        first = lists.starts[row]
        if lists.experts[row] < 0:
            continue
        for item in range(first, min(lists.starts[row + 1], first + neighbors)):
            low, high = 0, num
            while low < high:
                middle = (low + high) // 2
                order = compare(strings.offsets, strings.data, item, room[middle])
                if order == 0:
                    break
                low, high = (middle + 1, high) if order > 0 else (low, middle)
            if low == high:
                for at in range(num, low, -1):
                    room[at] = room[at - 1]
                room[low] = item
                num += 1
    return num
