"""Compiled tables of strings: hashed, found again, and compared.

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
ABSENT = np.uint64(0xFFFFFFFFFFFFFFFF)
"""The value of an empty slot, and of a key that is not there."""

_COUNT_BITS, _COUNT = np.uint64(24), np.uint64(0xFFFFFF)
_PRIME, _FINAL = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xFF51AFD7ED558CCD)
_SHIFT, _BYTE = np.uint64(32), np.uint64(8)


class Strings(NamedTuple):
    """n strings, as Arrow holds them. String i is the UTF-8 bytes data[offsets[i]:offsets[i + 1]]."""

    offsets: Int32s
    data: npt.NDArray[np.uint8]


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
def compare(offsets: Int32s, data: npt.NDArray[np.uint8], one: int, other: int) -> int:
    """Below 0 if string `one` comes first, above 0 if the other does: by bytes, so by code points."""
    start, other_start = offsets[one], offsets[other]
    size, other_size = offsets[one + 1] - start, offsets[other + 1] - other_start
    for at in range(min(size, other_size)):
        if data[start + at] != data[other_start + at]:
            return 1 if data[start + at] > data[other_start + at] else -1  # unsigned bytes have no negative difference
    return int(size - other_size)
