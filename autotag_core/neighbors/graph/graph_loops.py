"""Compiled loops of NN-descent over rounded unit vectors, whose dot products are whole numbers within +-2^24.

A place in a list is one number. Its highest bits are the closeness. Then comes the row, such that of equally close rows
the smaller one is first. The last bit says whether it is fresh: not yet compared with the rows beside. So lists (rows,
degree) are descending numbers, nearest first, and what a list holds in the end does not depend on the order of offers.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from autotag_core.compiled import compiled
from autotag_core.neighbors.distances import Floats, Integers

Rows = npt.NDArray[np.int32]
Offers = tuple[Rows, Floats]
"""Pairs of rows (n, 2) and their closeness (n,)."""
NOBODY = -(1 << 62)
"""A place, or a sampled row, that is empty."""
_LAST = 0x7FFFFFFF


@functools.partial(compiled, in_any_order=True)
def multiply(left: Floats, rows: Rows, a: int, right: Floats, others: Rows, b: int, products: Floats) -> None:
    """products (16,): of left's rows[a:a + 4] with right's others[b:b + 4]; the first with all four, the second..."""
    x0, x1, x2, x3 = left[rows[a]], left[rows[a + 1]], left[rows[a + 2]], left[rows[a + 3]]
    y0, y1, y2, y3 = right[others[b]], right[others[b + 1]], right[others[b + 2]], right[others[b + 3]]
    s00 = s01 = s02 = s03 = s10 = s11 = s12 = s13 = s20 = s21 = s22 = s23 = s30 = s31 = s32 = s33 = np.float32(0)
    for i in range(left.shape[1]):  # sixteen sums for eight numbers read: as many as the registers hold
        s00 += x0[i] * y0[i]
        s01 += x0[i] * y1[i]
        s02 += x0[i] * y2[i]
        s03 += x0[i] * y3[i]
        s10 += x1[i] * y0[i]
        s11 += x1[i] * y1[i]
        s12 += x1[i] * y2[i]
        s13 += x1[i] * y3[i]
        s20 += x2[i] * y0[i]
        s21 += x2[i] * y1[i]
        s22 += x2[i] * y2[i]
        s23 += x2[i] * y3[i]
        s30 += x3[i] * y0[i]
        s31 += x3[i] * y1[i]
        s32 += x3[i] * y2[i]
        s33 += x3[i] * y3[i]
    products[0], products[1], products[2], products[3] = s00, s01, s02, s03
    products[4], products[5], products[6], products[7] = s10, s11, s12, s13
    products[8], products[9], products[10], products[11] = s20, s21, s22, s23
    products[12], products[13], products[14], products[15] = s30, s31, s32, s33


@functools.partial(compiled, in_any_order=True)
def round_row(vector: Floats, scale: np.float32, rounded: Floats) -> None:
    """Write the vector times scale to `rounded`, in whole numbers."""
    for i in range(len(vector)):
        rounded[i] = np.rint(vector[i] * scale)


@compiled
def fill_rounded(vectors: Floats, scale: np.float32, order: Rows, rounded: Floats, bounds: tuple[int, int]) -> None:
    """Fill the rows start:end (`bounds`) of rounded: row i is the vector order[i]."""
    for i in range(bounds[0], bounds[1]):
        round_row(vectors[order[i]], scale, rounded[i])


@compiled
def fill_nearest(
    vectors: Floats,
    scale: np.float32,
    rows: Rows,
    centers: Floats,
    nearest: npt.NDArray[np.uint8],
    bounds: tuple[int, int],
) -> None:
    """nearest[i]: which center is nearest to rows[i], the first of equal ones. Centers are rounded; 4 or 8 or 12..."""
    four, numbers = np.empty((4, vectors.shape[1]), np.float32), np.arange(len(centers)).astype(np.int32)
    products, best = np.empty(16, np.float32), np.empty(4, np.float32)
    for start in range(bounds[0], bounds[1], 4):
        count = min(4, bounds[1] - start)
        for i in range(count):
            round_row(vectors[rows[start + i]], scale, four[i])
        best[:] = -np.inf
        for center in range(0, len(centers), 4):
            multiply(four, numbers, 0, centers, numbers, center, products)
            for i in range(count):
                for j in range(4):
                    if products[4 * i + j] > best[i]:
                        best[i], nearest[start + i] = products[4 * i + j], center + j


@compiled
def row_in(place: int) -> int:
    """The row in a place."""
    return _LAST - ((place & 0xFFFFFFFF) >> 1)


@compiled
def fill_graph(lists: Integers, order: Rows, graph: Rows, bounds: tuple[int, int]) -> None:
    """Fill the graph's rows order[start:end] from the lists start:end. Row i in a list is row order[i] in the graph."""
    for i in range(bounds[0], bounds[1]):
        for j in range(lists.shape[1]):
            graph[order[i], j] = order[i if lists[i, j] == NOBODY else row_in(lists[i, j])]


@compiled
def offer(row: int, closeness: np.float32, places: Integers) -> int:
    """Put a row into one list in place of the last; gives 1, or 0 if it is there already or no nearer than the last."""
    place = (np.int64(closeness) << 32) | ((_LAST - row) << 1) | 1
    if place <= places[-1]:
        return 0
    before = 0
    for i in range(len(places)):
        before += places[i] > place
    if places[before] | 1 == place:
        return 0
    for i in range(len(places) - 1, before, -1):
        places[i] = places[i - 1]
    places[before] = place
    return 1


@compiled
def least(places: Integers) -> np.float32:
    """How close a row must be to get into this list."""
    return np.float32(places[-1] >> 32)


@compiled
def join(vectors: Floats, lists: Integers, rows: Rows, starts: Integers, bounds: tuple[int, int]) -> None:
    """Offer the rows of each cell start:end (`bounds`) to each other. Cell c has rows[starts[c]:starts[c + 1]]."""
    products = np.empty(16, np.float32)
    for cell in range(bounds[0], bounds[1]):
        here = rows[starts[cell] : starts[cell + 1]]
        count = len(here)
        fours, floors = np.empty(count + 3, np.int32), np.empty(count, np.float32)
        fours[:count], fours[count:] = here, here[-1]
        for i in range(count):
            floors[i] = least(lists[here[i]])
        for a in range(0, count, 4):
            for b in range(a, count, 4):
                multiply(vectors, fours, a, vectors, fours, b, products)
                for i in range(a, min(a + 4, count)):
                    for j in range(max(b, i + 1), min(b + 4, count)):
                        closeness = products[4 * (i - a) + j - b]
                        if closeness >= floors[i]:
                            offer(here[j], closeness, lists[here[i]])
                            floors[i] = least(lists[here[i]])
                        if closeness >= floors[j]:
                            offer(here[i], closeness, lists[here[j]])
                            floors[j] = least(lists[here[j]])


def no_offers(num_rows: int, sampled: int) -> Offers:
    """Room for the offers of num_rows rows: all pairs of sampled fresh rows, and of these with as many others."""
    most = num_rows * (sampled * (sampled - 1) // 2 + sampled * sampled)
    return np.empty((most, 2), np.int32), np.empty(most, np.float32)


@compiled
def fill_offers(
    vectors: Floats, lists: Integers, samples: tuple[Integers, Integers], bounds: tuple[int, int], offers: Offers
) -> int:
    """Write pairs of fresh rows beside a row of `bounds`, and of fresh with known ones, near enough; gives how many."""
    fresh, known = samples
    pairs, values = offers
    width = fresh.shape[1]
    rows, floors, products = (
        np.empty(2 * width + 3, np.int32),
        np.empty(2 * width, np.float32),
        np.empty(16, np.float32),
    )
    num_offers = 0
    for row in range(bounds[0], bounds[1]):
        num_fresh = take_rows(fresh[row], rows, 0)
        count = take_rows(known[row], rows, num_fresh)
        for i in range(count):
            floors[i] = least(lists[rows[i]])
        rows[count : count + 3] = row  # fills up the last group of four
        for a in range(0, num_fresh, 4):
            for b in range(a, count, 4):
                multiply(vectors, rows, a, vectors, rows, b, products)
                for i in range(a, min(a + 4, num_fresh)):
                    for j in range(max(b, i + 1), min(b + 4, count)):
                        closeness = products[4 * (i - a) + j - b]
                        if closeness >= floors[i] or closeness >= floors[j]:
                            pairs[num_offers, 0], pairs[num_offers, 1] = rows[i], rows[j]
                            values[num_offers] = closeness
                            num_offers += 1
    return num_offers


@compiled
def take_rows(sample: Integers, rows: Rows, count: int) -> int:
    """Write the sample's rows after the first `count` rows, without those that are among them; gives the new count."""
    first = count
    for i in range(len(sample)):
        if sample[i] == NOBODY:
            break
        row, is_new = sample[i] & 0xFFFFFFFF, True
        for j in range(first):
            is_new &= rows[j] != row
        if is_new:
            rows[count] = row
            count += 1
    return count


@compiled
def take_offers(lists: Integers, offers: Offers, count: int, owner: int, num_owners: int) -> int:
    """Put the first `count` offers into the lists of an owner's rows; gives how many were taken."""
    pairs, values = offers
    num_taken = 0
    for i in range(count):
        for one, other in ((pairs[i, 0], pairs[i, 1]), (pairs[i, 1], pairs[i, 0])):
            if (one >> 6) % num_owners == owner:  # shares out rows that follow each other, which are offered at once
                num_taken += offer(other, values[i], lists[one])
    return num_taken
