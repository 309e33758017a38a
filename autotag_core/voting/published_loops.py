"""The published vote's loop over GIFs, compiled.

Loads numba: import it where it is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from autotag_core.compiled import compiled
from autotag_core.voting.kernels import (
    Bools,
    Floats,
    Found,
    Int32s,
    Int64s,
    Lists,
    Strings,
    add_slot,
    count_tags,
    distinct_neighbors,
    new_tally,
    slot_of,
)

SOURCES = ("editorial", "original", "confirmed", "unconfirmed", "voted")
EDITORIAL, ORIGINAL, CONFIRMED, UNCONFIRMED, VOTED = range(len(SOURCES))


class Own(NamedTuple):
    """What the catalog says: of each item its number as a tag, of each row about a GIF the other two."""

    numbers: Int32s  # (items,)
    num_editorial: Int32s  # (rows,)
    is_train: Bools  # (rows,)


class Rule(NamedTuple):
    """The published rule's settings."""

    weights: Floats  # (experts,)
    neighbors: int
    lower_bound: float


class Rows(NamedTuple):
    """Rows of the result: a tag is an own one, of the item `items`, or, where that is -1, the one of number `tags`."""

    rows: Int64s  # of the block: the one about the row's GIF
    items: Int64s
    tags: Int32s
    sources: Int32s
    votes: Floats
    largest: Floats  # of the votes of the same GIF's rows
    counts: Int32s  # (rows, experts)
    evidence_starts: Int64s
    evidence: Int64s  # items


@compiled
def _new_rows(most: int, num_experts: int, most_evidence: int) -> Rows:
    """Room for so many rows; what is never written to takes no memory."""
    return Rows(
        np.empty(most, np.int64),
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
        out.rows[:num_rows],
        out.items[:num_rows],
        out.tags[:num_rows],
        out.sources[:num_rows],
        out.votes[:num_rows],
        out.largest[:num_rows],
        out.counts[:num_rows],
        out.evidence_starts[: num_rows + 1],
        out.evidence[: out.evidence_starts[num_rows]],
    )


@compiled
def _about(lists: Lists, gif: int) -> tuple[int, bool]:
    """The row about the GIF itself, -1 without one, and whether any expert has a neighbor of it."""
    about, is_seen = -1, False
    for row in range(lists.gif_starts[gif], lists.gif_starts[gif + 1]):
        if lists.experts[row] < 0:
            about = row
        elif lists.starts[row + 1] > lists.starts[row]:
            is_seen = True
    return about, is_seen


@compiled
def _source(own: Own, lists: Lists, about: int, is_seen: bool, item: int, num_votes: int) -> int:
    """What becomes of an own tag."""
    if item - lists.starts[about] < own.num_editorial[about]:
        return EDITORIAL
    if not (own.is_train[about] and is_seen):
        return ORIGINAL
    return CONFIRMED if num_votes > 0 else UNCONFIRMED


@compiled
def _weigh(votes: Int32s, slot: int, weights: Floats) -> tuple[int, float]:
    """The tag's votes, and their weighted sum, in the order of the experts: a sum of floats depends on it."""
    num_votes, vote = 0, 0.0
    for expert in range(len(weights)):
        num_votes += votes[slot, expert]
        vote += weights[expert] * votes[slot, expert]
    return num_votes, vote


@compiled
def _add_unheard(out: Rows, num_rows: int, about: int, item: int, source: int) -> int:
    """Add a row of an own tag without a vote; the number of rows."""
    out.rows[num_rows], out.items[num_rows], out.tags[num_rows] = about, item, -1
    out.sources[num_rows], out.votes[num_rows] = source, 0.0
    out.counts[num_rows] = 0
    out.evidence_starts[num_rows + 1] = 0
    return num_rows + 1


@compiled
def _add_evidence(
    found: Found, near: Int64s, slots: Int32s, row_of: Int64s, out: Rows, first: int, num_rows: int
) -> None:
    """Put the neighbors with its tag behind each of the rows first:num_rows, all of one GIF.

    near are the GIF's neighbors, slots the tags' slots, row_of the rows of these, -1 for a tag that has none.
    evidence_starts holds so far how many votes each row has.
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
        out.evidence[start:end] = items[begins[row] : ends[row]]


@compiled
def vote_gifs(lists: Lists, strings: Strings, found: Found, own: Own, rule: Rule, num_tags: int) -> Rows:
    """Vote GIF by GIF; rows of one stand together. strings are the items as they are written."""
    num_experts = len(rule.weights)
    tally = new_tally(lists, found, num_tags, num_experts)
    out = _new_rows(len(found.tags) + len(own.numbers), num_experts, len(found.tags))
    weights = np.zeros(len(own.numbers), np.int64)
    own_of, row_of = np.empty(len(tally.tags), np.int64), np.empty(len(tally.tags), np.int64)
    votes, rule_weights = tally.votes, rule.weights
    near = np.empty(np.diff(lists.starts[lists.gif_starts]).max(), np.int64)
    num_rows = 0
    for gif in range(len(lists.gif_starts) - 1):
        about, is_seen = _about(lists, gif)
        if about < 0:
            continue
        num_slots = count_tags(lists, found, weights, rule.neighbors, tally, gif)
        own_of[:num_slots] = -1
        first, is_train = num_rows, own.is_train[about]
        for item in range(lists.starts[about], lists.starts[about + 1]):
            if own.numbers[item] < 0:  # no train GIF has it, so nobody votes for it
                num_rows = _add_unheard(out, num_rows, about, item, _source(own, lists, about, is_seen, item, 0))
                continue
            slot = slot_of(tally, own.numbers[item], num_slots)
            if slot == num_slots:
                add_slot(tally, own.numbers[item], num_slots)
                num_slots += 1
            own_of[slot] = item
        for slot in range(num_slots):
            row_of[slot] = -1
            num_votes, vote = _weigh(votes, slot, rule_weights)
            if own_of[slot] >= 0:
                source = _source(own, lists, about, is_seen, own_of[slot], num_votes)
            elif is_train and vote > 0 and vote >= rule.lower_bound:
                source = VOTED
            else:
                continue
            out.rows[num_rows], out.items[num_rows], out.tags[num_rows] = about, own_of[slot], tally.tags[slot]
            out.sources[num_rows], out.votes[num_rows] = source, vote
            out.counts[num_rows] = tally.votes[slot]
            out.evidence_starts[num_rows + 1] = num_votes
            row_of[slot] = num_rows
            num_rows += 1
        out.largest[first:num_rows] = out.votes[first:num_rows].max() if num_rows > first else 0.0
        num_near = distinct_neighbors(lists, strings, rule.neighbors, gif, near)
        _add_evidence(found, near[:num_near], tally.slot_of, row_of, out, first, num_rows)
    return _first_rows(out, num_rows)
