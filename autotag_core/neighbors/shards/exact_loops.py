"""Compiled loops over pairs of vectors. The distances are those of `distances.py`, to the bit."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from autotag_core.compiled import compiled
from autotag_core.neighbors.distances import Doubles, Floats, Integers

Rows = npt.NDArray[np.int32]
_BLOCK = 64


@compiled
def dot(left: Floats, right: Floats, products: Doubles) -> float:
    """Dot product in float64, summed as distances.sum_in_halves does. Overwrites `products`, as long as a vector."""
    width = len(left)
    for i in range(width):
        products[i] = np.float64(left[i]) * np.float64(right[i])
    while width > 1:
        half = (width + 1) // 2
        for i in range(width - half):
            products[i] += products[i + half]
        width = half
    return products[0]


@compiled
def fill_rows(vectors: Floats, norms: Doubles, hashes: npt.NDArray[np.uint64], start: int, end: int) -> None:
    """Fill norms with squared norms of the vectors start:end, and hashes (n, 2), equal where the vectors' bits are."""
    products = np.empty(vectors.shape[1], np.float64)
    words = vectors.view(np.uint32)
    for row in range(start, end):
        norms[row] = dot(vectors[row], vectors[row], products)
        first, second = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
        for i in range(vectors.shape[1]):
            word = np.uint64(words[row, i])
            first = (first ^ word) * np.uint64(0xFF51AFD7ED558CCD)
            first ^= first >> np.uint64(32)
            second = (second + word) * np.uint64(0xC4CEB9FE1A85EC53)
            second ^= second >> np.uint64(29)
        hashes[row, 0], hashes[row, 1] = first, second


@compiled
def offer(member: int, distance: np.float32, members: npt.NDArray[np.int32], distances: Floats, count: int) -> int:
    """Put a member in its place among the `count` nearest, ascending by (distance, member); gives the new count."""
    k = len(members)
    place = count
    while place > 0 and (
        distance < distances[place - 1] or (distance == distances[place - 1] and member < members[place - 1])
    ):
        place -= 1
    if place == k or (place > 0 and members[place - 1] == member and distances[place - 1] == distance):
        return count
    last = min(count, k - 1)
    for i in range(last, place, -1):
        members[i] = members[i - 1]
        distances[i] = distances[i - 1]
    members[place] = member
    distances[place] = distance
    return last + 1


@compiled
def fill_nearest(
    vectors: Floats,
    norms: Doubles,
    graph: npt.NDArray[np.int32],
    members: tuple[Integers, Integers],
    gifs: tuple[Integers, Integers],
    found: tuple[npt.NDArray[np.int32], Floats, Integers],
    bounds: tuple[int, int],
) -> None:
    """Fill found: members and distances (GIFs, k) of the nearest of GIFs bounds[0]:bounds[1], and how many there are.

    members is (starts, row_members) and gifs is (rows, own), all as in GifRows. Candidates are in a GIF's own row and
    the rows beside it in the graph. Where these have fewer than k members, the rows beside those are added.
    """
    starts, row_members = members
    rows, own = gifs
    nearest, distances, counts = found
    products = np.empty(vectors.shape[1], np.float64)
    k, degree = nearest.shape[1], graph.shape[1]
    for gif in range(bounds[0], bounds[1]):
        row, count = rows[gif], 0
        for is_wider in range(2):
            for a in range(-1, degree):
                near = row if a < 0 else graph[row, a]
                for b in range(degree if is_wider else 1):
                    other = graph[near, b] if is_wider else near
                    if starts[other] == starts[other + 1]:
                        continue
                    # as in PairDistances.of: equal vectors are at 0 exactly
                    cosine = dot(vectors[row], vectors[other], products) / np.sqrt(norms[row] * norms[other])
                    distance = np.float32(min(max(1 - cosine, 0.0), 2.0))
                    for i in range(starts[other], starts[other + 1]):
                        if row_members[i] != own[gif]:
                            count = offer(row_members[i], distance, nearest[gif], distances[gif], count)
            if count == k:
                break
        counts[gif] = count


@compiled
def replace_least(heap: Floats, value: np.float32) -> None:
    """Put the value in place of heap[0], the least."""
    place, count = 0, len(heap)
    while 2 * place + 1 < count:
        child = 2 * place + 1
        if child + 1 < count and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = value


@functools.partial(compiled, in_any_order=True)
def take_close(scores: Floats, slack: np.float32, best: Floats, hits: tuple[Rows, Rows, Floats]) -> int:
    """Write to hits (queries, columns, scores) the scores (queries, columns) that may be among the best; how many.

    best (queries, count) has the highest scores so far, a heap with the least of them first; it is brought up to date.
    Scores of at most `slack` below the least may be among the best. A block of scores without one costs one comparison
    for each score, many at once.
    """
    queries, columns, close = hits
    num_hits, width = 0, scores.shape[1]
    for query in range(len(scores)):
        row, heap = scores[query], best[query]
        least = heap[0] - slack
        for start in range(0, width, _BLOCK):
            end = min(start + _BLOCK, width)
            num_close = 0
            for i in range(start, end):  # without branches, so that many run at once
                num_close += row[i] >= least
            if not num_close:
                continue
            for i in range(start, end):
                if row[i] >= least:
                    queries[num_hits], columns[num_hits], close[num_hits] = query, i, row[i]
                    num_hits += 1
                    if row[i] > heap[0]:
                        replace_least(heap, row[i])
                        least = heap[0] - slack
    return num_hits
