"""Compiled loops that compare what each list of neighbors predicts with what is true of its GIF.

Loads numba: import it where it is used.
"""

from __future__ import annotations

import numpy as np

from autotag_core.compiled import compiled
from autotag_core.votes.tally.string_loops import Int32s, Int64s, Strings, compare
from autotag_core.votes.tally.tally_loops import Abouts, Found, Lists, about_row, new_tally, take_slot

_TRUE, _OWN = 1, 2


@compiled
def count_right(
    lists: Lists, found: Found, abouts: Abouts, names: Strings, neighbors: int, num_predicted: int, num_experts: int
) -> Int64s:
    """By expert (experts, 4), numbers of GIFs that it has neighbors of: all; those with a right predicted tag; those
    that lack a true tag; and of the latter, those with a right one among the predicted tags they did not come with.

    Predicted are the num_predicted tags that most of its first `neighbors` have, ties by name. Only GIFs with a row
    about them count. True are an editor's tags, own the uploader's. Of a train GIF its uploader's are true, none own.
    """
    tally = new_tally(lists, found, len(names.offsets) - 1, 1)
    kinds = np.zeros(len(names.offsets) - 1, np.int32)
    best, best_new = np.empty(num_predicted, np.int32), np.empty(num_predicted, np.int32)
    counts = np.zeros((num_experts, 4), np.int64)
    for gif in range(len(lists.gif_starts) - 1):
        about = about_row(lists, gif)
        if about < 0:
            continue
        lacks = _mark(lists, abouts, about, kinds, True)
        for row in range(lists.gif_starts[gif], lists.gif_starts[gif + 1]):
            if lists.experts[row] < 0 or lists.starts[row] == lists.starts[row + 1]:
                continue
            num_slots = 0
            for item in range(lists.starts[row], min(lists.starts[row + 1], lists.starts[row] + neighbors)):
                for at in range(found.starts[item], found.starts[item + 1]):
                    slot = take_slot(tally, found.tags[at], num_slots)
                    num_slots = max(num_slots, slot + 1)
                    tally.votes[slot, 0] += 1
            num_best, num_new = 0, 0
            for slot in range(num_slots):
                num_best = _keep(tally.tags, tally.votes, slot, best, num_best, names)
                if kinds[tally.tags[slot]] & _OWN == 0:
                    num_new = _keep(tally.tags, tally.votes, slot, best_new, num_new, names)
            expert = lists.experts[row]
            counts[expert, 0] += 1
            counts[expert, 1] += _has_true(tally.tags, kinds, best, num_best)
            if lacks:
                counts[expert, 2] += 1
                counts[expert, 3] += _has_true(tally.tags, kinds, best_new, num_new)
        _mark(lists, abouts, about, kinds, False)
    return counts


@compiled
def _mark(lists: Lists, abouts: Abouts, about: int, kinds: Int32s, is_on: bool) -> bool:
    """Write down, or wipe out, what the GIF's tags are; gives whether it lacks a true one."""
    start, lacks = lists.starts[about], False
    for place in range(abouts.first_copied[about]):
        is_editorial, is_uploaders = place < abouts.num_editorial[about], place >= abouts.first_own[about]
        if abouts.is_train[about]:
            kind = _TRUE if is_uploaders else 0
        else:
            kind = (_TRUE if is_editorial else 0) | (_OWN if is_uploaders else 0)
        lacks = lacks or kind == _TRUE
        kinds[abouts.numbers[start + place]] = kind if is_on else 0
    return lacks


@compiled
def _keep(tags: Int32s, votes: Int32s, slot: int, best: Int32s, num_best: int, names: Strings) -> int:
    """Put the slot among the best, most votes first, if it is one of them; gives how many these are."""
    place = num_best
    while place > 0:
        before = best[place - 1]
        if votes[slot, 0] < votes[before, 0]:
            break
        if votes[slot, 0] == votes[before, 0] and compare(names.offsets, names.data, tags[slot], tags[before]) > 0:
            break
        place -= 1
    if place == len(best):
        return num_best
    num_best = min(num_best + 1, len(best))
    for at in range(num_best - 1, place, -1):
        best[at] = best[at - 1]
    best[place] = slot
    return num_best


@compiled
def _has_true(tags: Int32s, kinds: Int32s, best: Int32s, num_best: int) -> int:
    for at in range(num_best):
        if kinds[tags[best[at]]] & _TRUE:
            return 1
    return 0
