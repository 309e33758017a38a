"""What people would search for in a drawn catalog, whose truth is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from autotag_core.drawing.factors import random_of

MOST_TAGS = 3
"""Of a query: people type one to three words."""


def draw_queries(truth: Sequence[Mapping[str, Sequence[str]]], num_searches: int, seed: int) -> dict[str, int]:
    """Queries and how often each was made, most frequent first, ties alphabetical.

    Each searcher has a GIF in mind and types one to three of its true tags, in alphabetical order.
    """
    rng, found = random_of(seed, 0, "searchers"), Counter[str]()
    rows = [sorted(row["tags"]) for row in truth if row["tags"]]
    for _ in range(num_searches if rows else 0):
        tags = rng.choice(rows)
        found[" ".join(sorted(rng.sample(tags, min(rng.randint(1, MOST_TAGS), len(tags)))))] += 1
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))
