"""Compiled loops that bring together what was published and what is scored.

Loads numba: import it where it is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autotag_core.compiled import compiled
from autotag_core.votes.evidence.gather_loops import EvidenceRows
from autotag_core.votes.tally.string_loops import Int32s, Int64s, Strings, compare
from autotag_core.votes.tally.tally_loops import Bools, Floats


class Merged(NamedTuple):
    """scored (published rows,): the evidence row of the same tag, or -1. proposed: evidence rows to add to them."""

    scored: Int64s
    proposed: Int64s


@compiled
def merge_rows(
    published_starts: Int64s,
    published_tags: Int32s,
    rows: EvidenceRows,
    scores: Floats,
    is_new: Bools,
    most: int,
    names: Strings,
) -> Merged:
    """For each GIF what was published, and the `most` of its new rows (rows,) with the highest scores, ties by name."""
    scored, proposed = np.full(len(published_tags), -1, np.int64), np.empty(len(rows.tags), np.int64)
    row_of, best = np.full(len(names.offsets) - 1, -1, np.int64), np.empty(most, np.int64)
    num_proposed = 0
    for gif in range(len(rows.starts) - 1):
        for row in range(published_starts[gif], published_starts[gif + 1]):
            row_of[published_tags[row]] = row
        num_best = 0
        for row in range(rows.starts[gif], rows.starts[gif + 1]):
            if row_of[rows.tags[row]] >= 0:
                scored[row_of[rows.tags[row]]] = row
            if not is_new[row] or scores[row] <= 0:
                continue
            place = num_best
            while place > 0 and _is_better(scores, rows.tags, names, row, best[place - 1]):
                place -= 1
            if place < most:
                num_best = min(num_best + 1, most)
                for at in range(num_best - 1, place, -1):
                    best[at] = best[at - 1]
                best[place] = row
        for row in best[:num_best]:
            if row_of[rows.tags[row]] < 0:
                proposed[num_proposed] = row
                num_proposed += 1
        for row in range(published_starts[gif], published_starts[gif + 1]):
            row_of[published_tags[row]] = -1
    return Merged(scored, proposed[:num_proposed])


@compiled
def _is_better(scores: Floats, tags: Int32s, names: Strings, row: int, other: int) -> bool:
    if scores[row] != scores[other]:
        return bool(scores[row] > scores[other])
    return compare(names.offsets, names.data, tags[row], tags[other]) < 0
