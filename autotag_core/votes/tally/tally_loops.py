"""The vote's compiled inner loops: strings to hashes to numbers, and the tags of a GIF's neighbors counted.

Loads numba: import it where it is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autotag_core.compiled import compiled

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Uint64s = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

ABSENT = np.uint64(0xFFFFFFFFFFFFFFFF)
"""The value of an empty slot, and of a key that is not there."""
_COUNT_BITS, _COUNT = np.uint64(24), np.uint64(0xFFFFFF)
_PRIME, _FINAL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD)
_SHIFT, _BYTE = np.uint64(32), np.uint64(8)


class Strings(NamedTuple):
    """n strings, as Arrow holds them. String i is the UTF-8 bytes data[offsets[i]:offsets[i + 1]]."""

    offsets: Int32s
    data: npt.NDArray[np.uint8]


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
def hash_strings(strings: Strings) -> Uint64s:
    """A 64-bit hash of each string (n,), eight bytes at a time."""
    offsets, data = strings
    hashes = np.empty(len(offsets) - 1, np.uint64)
    for i in range(len(hashes)):
        start, end = offsets[i], offsets[i + 1]
        value = np.uint64(end - start) * _FINAL
        while start < end:
            word = np.uint64(0)
            for at in range(start, min(start + 8, end)):
                word = (word << _BYTE) | np.uint64(data[at])
            value = (value ^ word) * _PRIME
            value ^= value >> _SHIFT
            start += 8
        value *= _FINAL
        hashes[i] = value ^ (value >> _SHIFT)
    return hashes


@compiled
def insert(slots: Uint64s, hashes: Uint64s, values: Uint64s) -> None:
    """Put the values under their hashes into slots (m, 2), m greater than their number. A hash keeps its first one."""
    size = np.uint64(len(slots))
    for i in range(len(hashes)):
        at = hashes[i] % size
        while slots[at, 1] != ABSENT and slots[at, 0] != hashes[i]:
            at = (at + np.uint64(1)) % size
        if slots[at, 1] == ABSENT:
            slots[at, 0], slots[at, 1] = hashes[i], values[i]


@compiled
def find(slots: Uint64s, hashes: Uint64s) -> Uint64s:
    """The value (n,) of each hash, or ABSENT."""
    found = np.empty(len(hashes), np.uint64)
    size = np.uint64(len(slots))
    for i in range(len(hashes)):
        at = hashes[i] % size
        while slots[at, 1] != ABSENT and slots[at, 0] != hashes[i]:
            at = (at + np.uint64(1)) % size
        found[i] = slots[at, 1]
    return found


def as_values(starts: Int64s, counts: Int64s) -> Uint64s:
    """The value of each GIF (n,) in slots: where its tags start and, in the lower bits, how many there are."""
    return (starts.astype(np.uint64) << _COUNT_BITS) | counts.astype(np.uint64)


def num_tags(values: Uint64s) -> Int64s:
    """How many tags each value (n,) stands for."""
    return np.where(values == ABSENT, np.uint64(0), values & _COUNT).astype(np.int64)


@compiled
def copy_tags(values: Uint64s, tags: Int32s, starts: Int64s, copies: Int32s) -> None:
    """Copy the tags that each value but ABSENT points at in `tags` to copies[starts[i]:]."""
    for i in range(len(values)):
        if values[i] != ABSENT:
            source, target = np.int64(values[i] >> _COUNT_BITS), starts[i]
            for at in range(starts[i + 1] - target):
                copies[target + at] = tags[source + at]


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


@compiled
def compare(offsets: Int32s, data: npt.NDArray[np.uint8], one: int, other: int) -> int:
    """Below 0 if string `one` comes first, above 0 if the other does: by bytes, so by code points."""
    start, other_start = offsets[one], offsets[other]
    size, other_size = offsets[one + 1] - start, offsets[other + 1] - other_start
    for at in range(min(size, other_size)):
        if data[start + at] != data[other_start + at]:
            return 1 if data[start + at] > data[other_start + at] else -1  # unsigned bytes have no negative difference
    return int(size - other_size)
