"""Which GIFs are right for a query, as clicks say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from autotag_core.errors import InputError
from autotag_core.evaluation.search_quality.relevance import plain
from autotag_core.inputs import Column, readable_rows
from autotag_core.terminal import shown

LEAST_CLICKS = 2
"""A single click says next to nothing: people click by mistake, and what is odd."""
MOST_WEIGHT = 10
"""A click far down would else outweigh all others."""
_GRADES = ((0.5, 3), (0.2, 2), (0.0, 1))
"""Grades by the share of the clicks of the query's most clicked GIF."""
_COLUMNS = (
    Column("query", "text", is_required=True),
    Column("gif_id", "id", is_required=True),
    Column("clicks", "text"),
    Column("rank", "text"),
)


def read_click_relevance(uri: str) -> dict[str, dict[str, int]]:
    """By query the GIFs that people clicked, with grades from 1 to 3.

    The file has `query`, `gif_id` and, where it knows them, `clicks` (1 where it has none) and `rank`, the place from 1
    at which the GIF was shown, as CSV, JSON lines or Parquet. People look at rank r about 1 / r as often as at the
    first. So a click there counts r times, at most MOST_WEIGHT (Joachims, Swaminathan and Schnabel 2017). Grade 3 is at
    least half of the clicks of the query's most clicked GIF, 2 a fifth. Less than LEAST_CLICKS clicks are none.
    InputError for the first row that can't be read, and where no GIF was clicked often enough.
    """
    clicks: dict[str, Counter[str]] = defaultdict(Counter)
    weights: dict[str, Counter[str]] = defaultdict(Counter)
    for _, row in readable_rows(uri, _COLUMNS):
        query, gif_id = plain(row["query"] or ""), row["gif_id"]
        if query and gif_id:
            count, rank = (_whole(uri, row, name) for name in ("clicks", "rank"))
            clicks[query][gif_id] += count
            weights[query][gif_id] += count * min(max(rank, 1), MOST_WEIGHT)
    found = {query: _grades(clicks[query], weights[query]) for query in clicks}
    found = {query: grades for query, grades in found.items() if grades}
    if not found:
        raise InputError(f"{uri}: no GIF has {LEAST_CLICKS} clicks for a query: rows have query, gif_id and clicks")
    return found


def _grades(clicks: Mapping[str, int], weights: Mapping[str, int]) -> dict[str, int]:
    enough = {gif_id: weights[gif_id] for gif_id in sorted(clicks) if clicks[gif_id] >= LEAST_CLICKS}
    most = max(enough.values(), default=1)
    return {
        gif_id: next(grade for share, grade in _GRADES if weight >= share * most) for gif_id, weight in enough.items()
    }


def _whole(uri: str, row: Mapping[str, Any], name: str) -> int:
    """The number of a column, 1 where the row has none."""
    said = row[name]
    if said is None:
        return 1
    if not (said.isascii() and said.isdigit() and len(said) < 16):
        raise InputError(
            shown(f"{uri}: the {name} of {row['query'][:100]!r} are {said[:100]!r}, it must be a whole number")
        )
    return int(said)
