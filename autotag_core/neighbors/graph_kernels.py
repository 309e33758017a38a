"""Compiled loops of NN-descent over unit vectors. Closeness is the float32 dot product, summed in any order.

Lists are (rows, degree), closest first: near holds row numbers (-1: none yet, close is -inf), fresh says what was put
in since the last round. Each call changes its own rows alone and reads what no call of that round changes, so the
result is the same however many threads share the rows.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from autotag_core.compiled import compiled
from autotag_core.neighbors.distances import Floats, Integers

Rows = npt.NDArray[np.int32]
Flags = npt.NDArray[np.uint8]


@compiled
def insert(row: int, closeness: np.float32, near: Rows, close: Floats, fresh: Flags) -> int:
    """Put a row into one list in the place of its last; 0 where it is there already or not closer than that."""
    place = len(near) - 1
    if closeness <= close[place]:
        return 0
    for i in range(len(near)):
        if near[i] == row:
            return 0
    while place > 0 and closeness > close[place - 1]:
        near[place], close[place], fresh[place] = near[place - 1], close[place - 1], fresh[place - 1]
        place -= 1
    near[place], close[place], fresh[place] = row, closeness, 1
    return 1


@functools.partial(compiled, in_any_order=True)
def compare_four(vectors: Floats, row: int, others: Rows, closeness: Floats) -> None:
    """Closeness of a row to four others."""
    one = vectors[row]
    a, b, c, d = vectors[others[0]], vectors[others[1]], vectors[others[2]], vectors[others[3]]
    sum_a = sum_b = sum_c = sum_d = np.float32(0)
    for i in range(len(one)):
        sum_a += one[i] * a[i]
        sum_b += one[i] * b[i]
        sum_c += one[i] * c[i]
        sum_d += one[i] * d[i]
    closeness[0], closeness[1], closeness[2], closeness[3] = sum_a, sum_b, sum_c, sum_d


@compiled
def join(rows: Rows, closeness: Floats, lists: tuple[Rows, Floats, Flags]) -> None:
    """Offer these rows each other; closeness is (rows, rows)."""
    near, close, fresh = lists
    last = near.shape[1] - 1
    for a in range(len(rows)):
        left = rows[a]
        for b in range(len(rows)):
            if closeness[a, b] > close[left, last] and a != b:
                insert(rows[b], closeness[a, b], near[left], close[left], fresh[left])


@compiled
def fill_back(beside: tuple[Rows, Flags], bounds: tuple[int, int]) -> None:
    """Fill the right half of the bounds' rows with some of the rows whose left half holds them, -1 beyond these.

    Both are (rows, 2 degree): rows and whether each is fresh. Where more hold a row than fit, each has the same chance,
    drawn from the numbers of both.
    """
    near, fresh = beside
    start, end = bounds
    degree = near.shape[1] // 2
    seen = np.zeros(end - start, np.int32)
    near[start:end, degree:] = -1
    for holder in range(near.shape[0]):
        for i in range(degree):
            row = near[holder, i]
            if row < start or row >= end:
                continue
            place = seen[row - start]
            seen[row - start] += 1
            if place >= degree:
                drawn = np.uint64(holder) * np.uint64(0x9E3779B97F4A7C15) ^ np.uint64(row) * np.uint64(
                    0xC2B2AE3D27D4EB4F
                )
                drawn = (drawn ^ (drawn >> np.uint64(29))) * np.uint64(0xFF51AFD7ED558CCD)
                place = np.int64((drawn >> np.uint64(33)) % np.uint64(place + 1))
            if place < degree:
                near[row, degree + place], fresh[row, degree + place] = holder, fresh[holder, i]


@compiled
def improve(
    vectors: Floats,
    lists: tuple[Rows, Floats, Flags],
    beside: tuple[Rows, Flags],
    changes: Integers,
    part: tuple[int, tuple[int, int]],
) -> None:
    """Offer to the part's rows what lies beside what lies beside them, where either step is fresh, and count changes.

    beside is as fill_back leaves it, lists' fresh all 0.
    """
    near, close, fresh = lists
    all_near, all_fresh = beside
    number, bounds = part
    degree, width = near.shape[1], all_near.shape[1]
    seen = np.full(vectors.shape[0], -1, np.int32)
    waiting, closeness = np.empty(width * (width + 1) + 3, np.int32), np.empty(4, np.float32)
    changed = 0
    for row in range(bounds[0], bounds[1]):
        seen[row], num_waiting = row, 0
        for a in range(degree):
            if near[row, a] >= 0:
                seen[near[row, a]] = row
        for a in range(width):
            middle, is_fresh = all_near[row, a], all_fresh[row, a]
            if middle < 0:
                continue
            for b in range(-1, width):
                other = middle if b < 0 else all_near[middle, b]
                if other >= 0 and seen[other] != row and (is_fresh or (b >= 0 and all_fresh[middle, b])):
                    seen[other] = row
                    waiting[num_waiting] = other
                    num_waiting += 1
        waiting[num_waiting : num_waiting + 3] = row  # to fill up the last four
        for a in range(0, num_waiting, 4):
            compare_four(vectors, row, waiting[a : a + 4], closeness)
            for b in range(min(4, num_waiting - a)):
                changed += insert(waiting[a + b], closeness[b], near[row], close[row], fresh[row])
    changes[number] = changed
