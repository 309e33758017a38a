"""Compiled loops that put together the evidence on each tag of a block of GIFs.

Loads numba: import it where it is used.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autotag_core.compiled import compiled
from autotag_core.votes.statistics.statistics_loops import distinct_meant, hash_keys, pair_key
from autotag_core.votes.statistics.tag_statistics import MAX_OWN_TAGS
from autotag_core.votes.tally.string_loops import ABSENT, Int32s, Int64s, Uint64s, find
from autotag_core.votes.tally.tally_loops import (
    Abouts,
    Floats,
    Found,
    Lists,
    Tally,
    about_row,
    count_tags,
    new_tally,
    slot_of,
    take_slot,
)

OWN, SLIP, CORRECTION, COPIED, EDITORIAL = 1, 2, 4, 8, 16
"""Flags of a row."""
_SAID = 32
_PAIR_PRIOR = 0.1
"""GIFs added to the seen and to the expected number of each pair of tags. This shrinks the lift of a rare pair."""


class Known(NamedTuple):
    """What is known of tags. meant: by number, what each was meant as (empty without slips); num_gifs: by number, the
    train GIFs with it; pair_slots: by a pair's hash, how many have both; num_train: train GIFs in all.
    """

    meant: Int32s
    num_gifs: Int64s
    pair_slots: Uint64s
    num_train: int


class EvidenceRows(NamedTuple):
    """A row for each form in which a tag of a GIF is written. GIF g has starts[g]:starts[g + 1]."""

    starts: Int64s
    tags: Int32s
    meant: Int32s
    flags: npt.NDArray[np.uint8]
    priors: Floats
    together: Floats
    weights: Int64s  # (rows, experts)
    votes: Int32s  # (rows, experts)


@compiled
def _new_rows(num_gifs: int, most: int, num_experts: int) -> EvidenceRows:
    """Room for `most` rows. Memory that is never written to is never taken."""
    return EvidenceRows(
        np.zeros(num_gifs + 1, np.int64),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.uint8),
        np.empty(most, np.float64),
        np.empty(most, np.float64),
        np.empty((most, num_experts), np.int64),
        np.empty((most, num_experts), np.int32),
    )


@compiled
def _first_rows(out: EvidenceRows, num_rows: int) -> EvidenceRows:
    return EvidenceRows(
        out.starts,
        out.tags[:num_rows],
        out.meant[:num_rows],
        out.flags[:num_rows],
        out.priors[:num_rows],
        out.together[:num_rows],
        out.weights[:num_rows],
        out.votes[:num_rows],
    )


@compiled
def _mean_lift(known: Known, tags: Int32s, one: int, is_train: bool) -> float:
    """The mean over the GIF's other tags of log((seen + k) / (expected + k)), both counts of GIFs with both tags.

    It is pointwise mutual information, shrunk by k. The GIF itself is not counted, so only other GIFs judge a tag.
    """
    itself = 1 if is_train else 0
    terms, keys = np.empty(len(tags) - 1), np.empty(len(tags) - 1, np.int64)
    num = 0
    for other in range(len(tags)):
        if other != one:
            keys[num] = pair_key(tags[one], tags[other])
            num += 1
    seen = find(known.pair_slots, hash_keys(keys))
    num = 0
    for other in range(len(tags)):
        if other == one:
            continue
        both = 0.0 if seen[num] == ABSENT else np.float64(seen[num])
        expected = (
            np.float64(max(known.num_gifs[tags[one]] - itself, 0))
            * np.float64(max(known.num_gifs[tags[other]] - itself, 0))
            / max(known.num_train - 1, 1)
        )
        term = math.log((max(both - itself, 0.0) + _PAIR_PRIOR) / (expected + _PAIR_PRIOR))
        place = num
        while place > 0 and terms[place - 1] > term:  # sorted, since the sum depends on the order
            terms[place] = terms[place - 1]
            place -= 1
        terms[place] = term
        num += 1
    total = 0.0
    for term in terms:
        total += term
    return total / len(terms)


@compiled
def _flag_tags(
    lists: Lists, abouts: Abouts, known: Known, about: int, tally: Tally, flags: npt.NDArray[np.uint8], num_slots: int
) -> int:
    """Give slots to the GIF's own tags and those of its copies, by what they were meant as, and flags to all slots: OWN
    with _SAID where it was written so, COPIED, EDITORIAL. Gives the number of slots.
    """
    numbers, start = abouts.numbers, lists.starts[about]
    flags[:num_slots] = 0
    for item in range(start + abouts.first_own[about], lists.starts[about + 1]):
        tag = numbers[item] if len(known.meant) == 0 else known.meant[numbers[item]]
        slot = take_slot(tally, tag, num_slots)
        if slot == num_slots:
            flags[slot] = 0
            num_slots += 1
        if item - start >= abouts.first_copied[about]:
            flags[slot] |= COPIED
        else:
            flags[slot] |= OWN | _SAID if tag == numbers[item] else OWN
    for item in range(start, start + abouts.num_editorial[about]):
        slot = slot_of(tally, numbers[item], num_slots)
        if slot < num_slots:
            flags[slot] |= EDITORIAL
    return num_slots


@compiled
def _form_flags(flags: int) -> int:
    """The flags in the row of a tag as it was meant."""
    is_own, is_said = flags & OWN != 0, flags & _SAID != 0
    found = flags & EDITORIAL
    if is_own:
        found |= OWN if is_said else CORRECTION
    if flags & COPIED and not is_said:
        found |= COPIED
    return found


@compiled
def _add_row(out: EvidenceRows, tally: Tally, num_rows: int, slot: int, tag: int, flags: int, prior: float) -> int:
    """Add a row of the slot's tag, written as `tag`; gives the number of rows."""
    out.tags[num_rows], out.meant[num_rows], out.flags[num_rows] = tag, tally.tags[slot], flags
    out.priors[num_rows], out.together[num_rows] = prior, 0.0
    for expert in range(out.votes.shape[1]):
        out.weights[num_rows, expert] = tally.weights[slot, expert]
        out.votes[num_rows, expert] = tally.votes[slot, expert]
    return num_rows + 1


@compiled
def gather_rows(
    lists: Lists, found: Found, weights: Int64s, abouts: Abouts, known: Known, neighbors: int, num_experts: int
) -> EvidenceRows:
    """Rows of the GIFs that have a row about them. weights (items,) are summed; votes are of the first `neighbors`."""
    num_tags, num_gifs = len(known.num_gifs), len(lists.gif_starts) - 1
    tally = new_tally(lists, found, num_tags, num_experts)
    flags = np.zeros(len(tally.tags), np.uint8)
    out = _new_rows(num_gifs, len(found.tags) + 2 * len(abouts.numbers), num_experts)
    own = np.empty(MAX_OWN_TAGS, np.int32)
    num_rows = 0
    for gif in range(num_gifs):
        first, about = num_rows, about_row(lists, gif)
        out.starts[gif + 1] = num_rows
        if about < 0:
            continue
        is_train, start = abouts.is_train[about], lists.starts[about]
        num_slots = count_tags(lists, found, weights, neighbors, tally, gif)
        num_slots = _flag_tags(lists, abouts, known, about, tally, flags, num_slots)
        num_others = max(known.num_train - (1 if is_train else 0), 1)
        for slot in range(num_slots):
            itself = 1 if is_train and flags[slot] & OWN else 0
            prior = max(known.num_gifs[tally.tags[slot]] - itself, 0) / num_others
            num_rows = _add_row(out, tally, num_rows, slot, tally.tags[slot], _form_flags(flags[slot]), prior)
        first_own, end = start + abouts.first_own[about], start + abouts.first_copied[about]
        if len(known.meant):
            for item in range(first_own, end):
                tag = abouts.numbers[item]
                if known.meant[tag] != tag:
                    slot = slot_of(tally, known.meant[tag], num_slots)
                    of_form = OWN | SLIP | (EDITORIAL if item - start < abouts.num_editorial[about] else 0)
                    num_rows = _add_row(out, tally, num_rows, slot, tag, of_form, out.priors[first + slot])
        num_own = distinct_meant(abouts.numbers, first_own, end, known.meant, MAX_OWN_TAGS, own)
        if num_own > 1:
            for one in range(num_own):
                mean = _mean_lift(known, own[:num_own], one, is_train)
                for row in range(first, num_rows):
                    if out.meant[row] == own[one]:
                        out.together[row] = mean
        out.starts[gif + 1] = num_rows
    return _first_rows(out, num_rows)


@compiled
def gif_spreads(lists: Lists, spreads: Floats, num_experts: int) -> Floats:
    """(GIFs, experts): the effective number of neighbors, from spreads (rows,); NaN where the expert has none."""
    found = np.full((len(lists.gif_starts) - 1, num_experts), np.nan)
    for gif in range(len(found)):
        for row in range(lists.gif_starts[gif], lists.gif_starts[gif + 1]):
            if lists.experts[row] >= 0 and lists.starts[row + 1] > lists.starts[row]:
                found[gif, lists.experts[row]] = spreads[row]
    return found
