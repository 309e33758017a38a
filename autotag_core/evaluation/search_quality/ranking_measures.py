"""How good a ranking is: nDCG of its first ten, recall of its first fifty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autotag_core.errors import InputError
from autotag_core.evaluation.search_quality.relevance import Relevance

FIRST, DEPTH = 10, 50
"""GIFs that nDCG looks at: a screen. GIFs that recall looks at: as far as people scroll."""


@dataclass(frozen=True)
class RankingMeasures:
    """The measures of one query on one index."""

    ndcg: float
    """nDCG@10 (Järvelin and Kekäläinen 2002), as trec_eval has it: gain / log2(1 + rank)."""
    recall: float
    """Share of the right GIFs among the first 50."""


def measure_rankings(rankings: Mapping[str, Sequence[str]], relevance: Relevance) -> dict[str, RankingMeasures]:
    """The measures of each query that has a right GIF. `rankings` are gif_ids by query, best first; none is 0.

    InputError where ir-measures is not installed.
    """
    known = {query: dict(relevance[query]) for query in rankings if relevance.get(query)}
    if not known:
        return {}
    measures = _library()
    ndcg, recall = measures.nDCG @ FIRST, measures.R @ DEPTH
    # scores that fall with the rank: the library would sort equal ones its own way
    run = {
        query: {gif_id: float(DEPTH - rank) for rank, gif_id in enumerate(rankings[query][:DEPTH])} for query in known
    }
    values = {(one.query_id, one.measure): one.value for one in measures.iter_calc([ndcg, recall], known, run)}
    return {query: RankingMeasures(values[query, ndcg], values[query, recall]) for query in known}


def _library() -> Any:
    try:
        import ir_measures
    except ImportError as error:
        raise InputError(f"search-eval: {error.name} is not installed: pip install 'autotag[search-eval]'") from None
    return ir_measures
