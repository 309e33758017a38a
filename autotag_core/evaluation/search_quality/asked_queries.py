"""What is asked of both indexes: the queries of a log with their frequency, and what is right for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autotag_core.errors import InputError
from autotag_core.evaluation.search_quality.click_log import read_click_relevance
from autotag_core.evaluation.search_quality.relevance import Relevance, true_tags, truth_relevance
from autotag_core.evaluation.truth import read_truth
from autotag_core.faces.searched.searches import read_searches


@dataclass(frozen=True)
class AskedQueries:
    """The queries, most frequent first, and which GIFs are right for each."""

    counts: Mapping[str, int]
    """How often each was made."""
    num_searches: int
    """Of the whole log, also those of queries that are not asked."""
    relevance: Relevance


def read_asked(queries: str | None, truth: str | None, clicks: str | None, most: int) -> AskedQueries:
    """The `most` most frequent queries of a log, ties alphabetical; without a log every tag of the truth once.

    Neither truth nor clicks: nobody knows what is right. InputError where there is nothing to ask, or both are given.
    """
    if truth and clicks:
        raise InputError("search-eval: --truth and --clicks: one at a time")
    if queries is None and truth is None:
        raise InputError("search-eval: give --queries FILE, or --truth FILE to ask for its tags")
    rows = read_truth(truth).to_pylist() if truth else []
    searches = read_searches(queries) if queries else true_tags(rows)
    asked = most_frequent(searches, most)
    relevance = read_click_relevance(clicks) if clicks else truth_relevance(asked, rows)
    return AskedQueries(asked, sum(searches.values()), relevance)


def most_frequent(searches: Mapping[str, int], most: int) -> dict[str, int]:
    """The `most` queries that were made most often, and how often. Ties alphabetical."""
    ranked = sorted(searches.items(), key=lambda one: (-one[1], one[0]))
    return dict(ranked[:most])
