"""Pairs of result lists that a person compares without knowing which is which, and what they decided."""

from __future__ import annotations

import csv
import hashlib
import io
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.evaluation.search_quality.lost_queries import Answers
from autotag_core.evaluation.search_quality.preferences import Preferences
from autotag_core.search import SearchHit

NUM_SHOWN = 6
"""GIFs on a side: as many as a person takes in at a glance."""
LEFT, RIGHT, TIE = "left", "right", "tie"
CSV_COLUMNS = ("page", "number", "pair", "choice", "query")
_BEFORE, _AFTER = "before", "after"


@dataclass(frozen=True)
class BlindPair:
    """One query and two lists of GIFs, in an order that only `pair` knows."""

    page: str
    number: int
    pair: str
    query: str
    left: tuple[SearchHit, ...]
    right: tuple[SearchHit, ...]


def draw_pairs(answers: Mapping[str, Answers], queries: Mapping[str, int], num: int, seed: int) -> list[BlindPair]:
    """Queries whose first NUM_SHOWN GIFs differ, frequent ones more likely, each once. A coin says who is on the left.

    The name of the page is new each time, and what is left is in the pair's code alone. So nobody can read it off the
    page, and a page needs no key beside it.
    """
    rng, page = np.random.default_rng(seed), secrets.token_hex(16)
    shown = {query: (tuple(one.before[:NUM_SHOWN]), tuple(one.after[:NUM_SHOWN])) for query, one in answers.items()}
    differing = [query for query, (before, after) in shown.items() if _ids(before) != _ids(after)]
    if not differing:
        return []
    shares = np.array([queries[query] for query in differing], float)
    drawn = rng.choice(len(differing), min(num, len(differing)), replace=False, p=shares / shares.sum())
    pairs = []
    for number, place in enumerate(drawn.tolist(), start=1):
        before, after = shown[differing[place]]
        is_after_left = bool(secrets.randbelow(2))
        code = _code(page, number, _AFTER if is_after_left else _BEFORE)
        left, right = (after, before) if is_after_left else (before, after)
        pairs.append(BlindPair(page, number, code, differing[place], left, right))
    return pairs


def _ids(hits: Sequence[SearchHit]) -> list[str]:
    return [hit.gif_id for hit in hits]


def _code(page: str, number: int, left: str) -> str:
    """What says who is on the left, to who asks for both."""
    return hashlib.sha256(f"{page} {number} {left}".encode()).hexdigest()[:16]


def count_choices(uris: Iterable[str]) -> Preferences:
    """The decisions of one or more saved files, a file a person. InputError for the first row that no page has saved.

    People who look at the same pair are no independent witnesses: the majority of them is one decision, and a draw of
    them a tie. A pair that a person decided twice counts as they decided last.
    """
    votes: dict[tuple[str, int], int] = defaultdict(int)
    for uri in uris:
        votes_of_file = dict(_votes(uri))
        if not votes_of_file:
            raise InputError(f"{uri}: no decision: it must be a CSV that the page has saved")
        for key, vote in votes_of_file.items():
            votes[key] += vote
    found = Counter(int(np.sign(vote)) for vote in votes.values())
    return Preferences(num_before=found[-1], num_after=found[1], num_ties=found[0])


def _votes(uri: str) -> Iterator[tuple[tuple[str, int], int]]:
    """((page, number), 1 for after, -1 for before, 0 for a tie) of each row."""
    text = storage.read_text(uri)
    try:
        rows = csv.DictReader(io.StringIO(text, newline=""))
        missing = [name for name in CSV_COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise InputError(f"{uri}: no column {' and '.join(missing)}: it must be a CSV that the page has saved")
        for row in rows:
            yield _vote(f"{uri}, line {rows.line_num}", row)
    except csv.Error as error:
        raise InputError(f"{uri}: not a CSV file: {error}") from None


def _vote(place: str, row: Mapping[str, str | None]) -> tuple[tuple[str, int], int]:
    page, number, pair, choice = (row[name] or "" for name in CSV_COLUMNS[:4])
    if choice not in (LEFT, RIGHT, TIE):
        raise InputError(f"{place}: the choice is {choice[:100]!r}, it must be {LEFT}, {RIGHT} or {TIE}")
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        raise InputError(f"{place}: the number is {number[:100]!r}, it must be a whole number")
    by_code = {_code(page, int(number), left): left for left in (_BEFORE, _AFTER)}
    if pair not in by_code:
        raise InputError(f"{place}: the pair {pair[:100]!r} is none of the page {page[:100]!r}")
    if choice == TIE:
        return (page, int(number)), 0
    return (page, int(number)), 1 if (choice == LEFT) == (by_code[pair] == _AFTER) else -1
