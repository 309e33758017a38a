"""Compiled loops that count tags and pairs of tags, and what lists say of their GIFs' own tags.

Loads numba: import it where it is used.
"""

from __future__ import annotations

import numpy as np

from autotag_core.compiled import compiled
from autotag_core.votes.tally.string_loops import Int32s, Int64s, Uint64s
from autotag_core.votes.tally.tally_loops import Abouts, Bools, Found, Lists

_PRIME, _SHIFT = np.uint64(0x9E3779B97F4A7C15), np.uint64(32)


@compiled
def distinct_meant(numbers: Int32s, start: int, end: int, meant: Int32s, most: int, room: Int32s) -> int:
    """Put what the tags numbers[start:end] were meant as into room, each once, at most `most`; gives how many."""
    num = 0
    for at in range(start, end):
        tag = numbers[at] if len(meant) == 0 else meant[numbers[at]]
        is_new = num < most
        for other in range(num):
            is_new = is_new and room[other] != tag
        if is_new:
            room[num] = tag
            num += 1
    return num


@compiled
def pair_key(tag: int, other: int) -> int:
    """One number for the pair, the same in either order."""
    return int((np.int64(min(tag, other)) << 32) | np.int64(max(tag, other)))


@compiled
def hash_keys(keys: Int64s) -> Uint64s:
    """A hash (n,) of each key that no other key has: both steps, an odd factor and a shifted xor, have inverses."""
    hashes = keys.astype(np.uint64) * _PRIME
    return hashes ^ (hashes >> _SHIFT)


@compiled
def tag_keys(lists: Lists, abouts: Abouts, meant: Int32s, most: int) -> tuple[Int64s, Bools]:
    """A pair_key for each thing that is counted in rows about GIFs, and whether it goes into the second of its counts.

    For each two of the uploader's first `most` tags, the first count is of train GIFs. For each tag of a train GIF with
    itself, the second count is of tags that the uploader gave.
    """
    most_items, num_keys = 0, 0
    for row in range(len(lists.experts)):
        most_items = max(most_items, lists.starts[row + 1] - lists.starts[row])
        own = abouts.first_copied[row] - abouts.first_own[row]
        num_keys += min(own, most) * (min(own, most) - 1) // 2 + own + abouts.first_copied[row]
    keys, is_second = np.empty(num_keys, np.int64), np.empty(num_keys, np.bool_)
    room = np.empty(most_items, np.int32)
    num_keys = 0
    for row in range(len(lists.experts)):
        start = lists.starts[row]
        first, end = start + abouts.first_own[row], start + abouts.first_copied[row]
        num = distinct_meant(abouts.numbers, first, end, meant, most, room)
        for one in range(num):
            for other in range(one):
                keys[num_keys], is_second[num_keys] = pair_key(room[one], room[other]), not abouts.is_train[row]
                num_keys += 1
        if abouts.is_train[row]:
            for second, begin in ((False, start), (True, first)):
                num = distinct_meant(abouts.numbers, begin, end, meant, end - begin, room)
                for one in range(num):
                    keys[num_keys], is_second[num_keys] = pair_key(room[one], room[one]), second
                    num_keys += 1
    return keys[:num_keys], is_second[:num_keys]


@compiled
def own_shares(lists: Lists, found: Found, own: Found, weights: Int64s) -> tuple[Int64s, Int64s]:
    """For each own tag (of `own`, by rows) of each list with neighbors: expert << 32 | tag, and the summed weights
    (items,) of the neighbors with it.
    """
    keys, seen = np.empty(len(own.tags), np.int64), np.zeros(len(own.tags), np.int64)
    num = 0
    for row in range(len(lists.experts)):
        first, last = lists.starts[row], lists.starts[row + 1]
        if lists.experts[row] < 0 or first == last:
            continue
        begin, num_own = own.starts[row], own.starts[row + 1] - own.starts[row]
        for at in range(num_own):
            keys[num + at] = (np.int64(lists.experts[row]) << 32) | np.int64(own.tags[begin + at])
        for item in range(first, last):
            for at in range(found.starts[item], found.starts[item + 1]):
                for place in range(num_own):
                    if own.tags[begin + place] == found.tags[at]:
                        seen[num + place] += weights[item]
        num += num_own
    return keys[:num], seen[:num]
