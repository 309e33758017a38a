"""How much of what people search for a tagger suggests for some GIF: search finds a GIF by its tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from autotag_core.inputs import Column, file_kind, find_parts, read_part

MOST_POPULAR = 100
"""Searches that are asked for, the most frequent."""
TOP = 5
"""A search is covered where it is among so many likeliest tags of a GIF."""


def popular_searches(uri: str) -> dict[str, int]:
    """The MOST_POPULAR searches of semantic.search_sessions, in lower case with single spaces, and how often each was
    made. Ties alphabetical. InputError where the file can't be read; rows that are none are left out."""
    counts: Counter[str] = Counter()
    for parts in find_parts(uri, file_kind(uri, otherwise="json")):
        for part in parts:
            for batch in read_part(part, (Column("queries", "texts"),), "|"):
                for queries in batch["queries"].to_pylist():
                    counts.update(" ".join(query.lower().split()) for query in queries or () if query)
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return dict(ranked[:MOST_POPULAR])


def search_coverage(
    searches: Mapping[str, int], probabilities: NDArray[np.float64], labels: Sequence[str]
) -> float | None:
    """The share of searches, each as often as it was made, that are among the TOP likeliest tags of some GIF.

    probabilities (n, c) are of n GIFs. None without searches or GIFs.
    """
    if not searches or not len(probabilities):
        return None
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :TOP]
    suggested = {labels[at].lower() for at in np.unique(best)}
    return sum(count for search, count in searches.items() if search in suggested) / sum(searches.values())
