"""Which GIFs are right for a query."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

Relevance = Mapping[str, Mapping[str, int]]
"""By query, the GIFs that are right for it and how right: 1 and more. A query that is not there has none."""


def plain(text: str) -> str:
    """The text in lower case with single spaces, as queries are compared."""
    return " ".join(text.lower().split())


def truth_relevance(queries: Iterable[str], truth: Iterable[Mapping[str, Sequence[str]]]) -> dict[str, dict[str, int]]:
    """The right GIFs of each query, all with 1, from rows {gif_id, tags} of true tags.

    A GIF is right if the query is one of its true tags, or several of them in a row: `black cat` finds what is `black`
    and a `cat`.
    """
    gifs: dict[str, set[str]] = defaultdict(set)
    for row in truth:
        for tag in row["tags"]:
            gifs[plain(tag)].add(str(row["gif_id"]))
    found = {query: _right_gifs(query.split(), gifs) for query in map(plain, queries)}
    return {query: dict.fromkeys(sorted(right), 1) for query, right in found.items() if right}


def _right_gifs(words: Sequence[str], gifs: Mapping[str, set[str]]) -> set[str]:
    """The GIFs that have tags which, one after the other, are these words."""
    right: list[set[str]] = [set() for _ in words]  # by place, those whose tags are the words from there on
    for start in reversed(range(len(words))):
        right[start] |= gifs.get(" ".join(words[start:]), set())
        for end in range(start + 1, len(words)):
            right[start] |= gifs.get(" ".join(words[start:end]), set()) & right[end]
    return right[0] if words else set()


def true_tags(truth: Iterable[Mapping[str, Sequence[str]]]) -> dict[str, int]:
    """Every true tag as a query that was made once: what to ask where nobody has a log."""
    return dict.fromkeys(sorted({plain(tag) for row in truth for tag in row["tags"]} - {""}), 1)
