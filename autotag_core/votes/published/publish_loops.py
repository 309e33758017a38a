"""Compiled loops of the published vote, GIF by GIF.

Loads numba: import it where it is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autotag_core.compiled import compiled
from autotag_core.votes.tally.string_loops import Int32s, Int64s, Strings
from autotag_core.votes.tally.tally_loops import (
    Abouts,
    Floats,
    Found,
    Lists,
    about_row,
    count_tags,
    distinct_neighbors,
    new_tally,
    take_slot,
)

SOURCES = ("editorial", "original", "confirmed", "unconfirmed", "voted")
EDITORIAL, ORIGINAL, CONFIRMED, UNCONFIRMED, VOTED = range(len(SOURCES))


class Rule(NamedTuple):
    """The published rule's settings."""

    weights: Floats  # (experts,)
    neighbors: int
    lower_bound: float


class Rows(NamedTuple):
    """Rows of the result, GIF by GIF. GIF g has starts[g]:starts[g + 1]."""

    starts: Int64s
    rows: Int64s  # of the block: the one about the row's GIF
    tags: Int32s
    sources: Int32s
    votes: Floats
    largest: Floats  # of the votes of the same GIF's rows
    counts: Int32s  # (rows, experts)
    evidence_starts: Int64s
    evidence: Int64s  # items


@compiled
def _new_rows(num_gifs: int, most: int, num_experts: int, most_evidence: int) -> Rows:
    """Room for `most` rows. Memory that is never written to is never taken."""
    return Rows(
        np.zeros(num_gifs + 1, np.int64),
        np.empty(most, np.int64),
        np.empty(most, np.int32),
        np.empty(most, np.int32),
        np.empty(most, np.float64),
        np.empty(most, np.float64),
        np.empty((most, num_experts), np.int32),
        np.zeros(most + 1, np.int64),
        np.empty(most_evidence, np.int64),
    )


@compiled
def _first_rows(out: Rows, num_rows: int) -> Rows:
    return Rows(
        out.starts,
        out.rows[:num_rows],
        out.tags[:num_rows],
        out.sources[:num_rows],
        out.votes[:num_rows],
        out.largest[:num_rows],
        out.counts[:num_rows],
        out.evidence_starts[: num_rows + 1],
        out.evidence[: out.evidence_starts[num_rows]],
    )


@compiled
def _most_items(lists: Lists) -> int:
    """The most items that a GIF has."""
    most = 0
    for gif in range(len(lists.gif_starts) - 1):
        most = max(most, lists.starts[lists.gif_starts[gif + 1]] - lists.starts[lists.gif_starts[gif]])
    return most


@compiled
def _is_seen(lists: Lists, gif: int) -> bool:
    """Whether any expert has a neighbor of the GIF."""
    for row in range(lists.gif_starts[gif], lists.gif_starts[gif + 1]):
        if lists.experts[row] >= 0 and lists.starts[row + 1] > lists.starts[row]:
            return True
    return False


@compiled
def _source(abouts: Abouts, lists: Lists, about: int, is_seen: bool, item: int, num_votes: int) -> int:
    """The source of an own tag."""
    if item - lists.starts[about] < abouts.num_editorial[about]:
        return EDITORIAL
    if not (abouts.is_train[about] and is_seen):
        return ORIGINAL
    return CONFIRMED if num_votes > 0 else UNCONFIRMED


@compiled
def _weigh(votes: Int32s, slot: int, weights: Floats) -> tuple[int, float]:
    """The tag's votes, and their weighted sum in the order of the experts, since a sum of floats depends on it."""
    num_votes, vote = 0, 0.0
    for expert in range(len(weights)):
        num_votes += votes[slot, expert]
        vote += weights[expert] * votes[slot, expert]
    return num_votes, vote


@compiled
def _add_evidence(
    found: Found, near: Int64s, slots: Int32s, row_of: Int64s, out: Rows, first: int, num_rows: int
) -> None:
    """Write for each of the rows first:num_rows, all of one GIF, the neighbors that have its tag.

    near are the GIF's neighbors, slots the tags' slots, row_of the rows of these, -1 for a tag that has no row. Before
    the call evidence_starts holds how many votes each row has.
    """
    starts, tags = found
    ends = np.zeros(num_rows - first + 1, np.int64)
    for row in range(num_rows - first):
        ends[row + 1] = ends[row] + out.evidence_starts[first + row + 1]
    begins, items = ends.copy(), np.empty(ends[-1], np.int64)
    for item in near:
        for at in range(starts[item], starts[item + 1]):
            row = row_of[slots[tags[at]]] - first
            if row >= 0:
                items[ends[row]] = item
                ends[row] += 1
    for row in range(num_rows - first):
        start = out.evidence_starts[first + row]
        end = start + ends[row] - begins[row]
        out.evidence_starts[first + row + 1] = end
        for at in range(end - start):  # one by one: a copy of slices takes seconds to compile
            out.evidence[start + at] = items[begins[row] + at]


@compiled
def vote_gifs(lists: Lists, strings: Strings, found: Found, abouts: Abouts, rule: Rule, num_tags: int) -> Rows:
    """Vote GIF by GIF. strings are the items as they are written."""
    num_gifs, num_experts = len(lists.gif_starts) - 1, len(rule.weights)
    tally = new_tally(lists, found, num_tags, num_experts)
    out = _new_rows(num_gifs, len(found.tags) + len(abouts.numbers), num_experts, len(found.tags))
    weights = np.zeros(len(abouts.numbers), np.int64)
    own_of, row_of = np.empty(len(tally.tags), np.int64), np.empty(len(tally.tags), np.int64)
    votes, rule_weights = tally.votes, rule.weights
    near = np.empty(_most_items(lists), np.int64)
    num_rows = 0
    for gif in range(num_gifs):
        first, about = num_rows, about_row(lists, gif)
        out.starts[gif + 1] = num_rows
        if about < 0:
            continue
        is_train, is_seen = abouts.is_train[about], _is_seen(lists, gif)
        num_slots = count_tags(lists, found, weights, rule.neighbors, tally, gif)
        own_of[:num_slots] = -1
        for item in range(lists.starts[about], lists.starts[about] + abouts.first_copied[about]):
            slot = take_slot(tally, abouts.numbers[item], num_slots)
            num_slots = max(num_slots, slot + 1)
            own_of[slot] = item
        for slot in range(num_slots):
            row_of[slot] = -1
            num_votes, vote = _weigh(votes, slot, rule_weights)
            if own_of[slot] >= 0:
                source = _source(abouts, lists, about, is_seen, own_of[slot], num_votes)
            elif is_train and vote > 0 and vote >= rule.lower_bound:
                source = VOTED
            else:
                continue
            out.rows[num_rows], out.tags[num_rows] = about, tally.tags[slot]
            out.sources[num_rows], out.votes[num_rows] = source, vote
            for expert in range(num_experts):
                out.counts[num_rows, expert] = votes[slot, expert]
            out.evidence_starts[num_rows + 1] = num_votes
            row_of[slot] = num_rows
            num_rows += 1
        largest = 0.0
        for row in range(first, num_rows):
            largest = max(largest, out.votes[row])
        out.largest[first:num_rows] = largest
        num_near = distinct_neighbors(lists, strings, rule.neighbors, gif, near)
        _add_evidence(found, near[:num_near], tally.slot_of, row_of, out, first, num_rows)
        out.starts[gif + 1] = num_rows
    return _first_rows(out, num_rows)
