"""What two indexes find for the same queries, as a report: overall, by query, and why some lose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from autotag_core.evaluation.search_quality.ranking_measures import DEPTH, FIRST, RankingMeasures
from autotag_core.evaluation.search_quality.weighted_bootstrap import LEVEL, NUM_RESAMPLES, PairedMeans, paired_means
from autotag_core.terminal import shown, shown_lines

_MOST_SHOWN = 10
NDCG, RECALL, EMPTY = f"nDCG@{FIRST}", f"recall@{DEPTH}", "zero results"


@dataclass(frozen=True)
class Side:
    """What one index did for a query. Without measures nobody knows what is right for it."""

    num_hits: int
    """At most DEPTH."""
    measures: RankingMeasures | None


@dataclass(frozen=True)
class QueryResult:
    """One query on both indexes."""

    query: str
    count: int
    """How often the log has it."""
    num_right: int
    before: Side
    after: Side
    why: tuple[str, ...] = ()
    """Of a query that loses: why."""

    @property
    def gain(self) -> float:
        """nDCG after minus before; where that is the same, recall decides. 0 where nobody knows what is right."""
        if self.before.measures is None or self.after.measures is None:
            return 0.0
        return (self.after.measures.ndcg - self.before.measures.ndcg) or (
            self.after.measures.recall - self.before.measures.recall
        )


@dataclass(frozen=True)
class SearchReport:
    """The queries in the order of the log, most frequent first, and the means over them."""

    before: str
    after: str
    """Names of the indexes."""
    num_searches: int
    """Of the whole log, also those of queries that were not asked."""
    queries: tuple[QueryResult, ...]

    @property
    def judged(self) -> list[QueryResult]:
        """The queries that have a right GIF."""
        return [one for one in self.queries if one.num_right]

    @property
    def lost(self) -> list[QueryResult]:
        """The queries that find less than before, the greatest loss of searches first."""
        losers = [one for one in self.queries if one.gain < 0]
        return sorted(losers, key=lambda one: (one.gain * one.count, one.query))

    def means(self) -> dict[str, PairedMeans | None]:
        """By measure. Of nDCG and recall over the queries that have a right GIF, of zero results over all."""
        judged = self.judged
        sides = [
            (one.before.measures, one.after.measures) for one in judged if one.before.measures and one.after.measures
        ]
        ndcg = [(before.ndcg, after.ndcg) for before, after in sides]
        recall = [(before.recall, after.recall) for before, after in sides]
        empty = [(float(one.before.num_hits == 0), float(one.after.num_hits == 0)) for one in self.queries]
        return {NDCG: _means(ndcg, judged), RECALL: _means(recall, judged), EMPTY: _means(empty, self.queries)}

    def to_line(self) -> str:
        """The whole report in one line."""
        parts = [
            f"{name} {found.before:.3f} -> {found.after:.3f} ({found.low:+.3f} to {found.high:+.3f})"
            for name, found in self.means().items()
            if found is not None
        ]
        asked = f"{len(self.queries):,} queries on {self.before} and {self.after}, {len(self.lost):,} find less"
        return shown(f"search-eval: {asked}: {', '.join(parts)}")

    def to_text(self) -> str:
        """Coverage of the log, the means with their intervals, and the queries that lose, with why."""
        asked = sum(one.count for one in self.queries)
        lines = [
            f"before: {self.before}; after: {self.after}",
            f"{len(self.queries):,} queries, {asked:,} of the {self.num_searches:,} searches of the log; "
            f"{len(self.judged):,} of them have a right GIF",
            f"{'':<14} {'before':>7} {'after':>7} {'difference':>11}  {LEVEL:.0%} interval",
        ]
        for name, found in self.means().items():
            if found is not None:
                lines.append(
                    f"{name:<14} {found.before:>7.3f} {found.after:>7.3f} {found.difference:>+11.3f}  "
                    f"{found.low:+.3f} to {found.high:+.3f}{' *' if found.excludes_zero else ''}"
                )
        lines.append("* more than chance: the interval excludes 0")
        return shown_lines([*lines, *self._lost_lines()])

    def _lost_lines(self) -> list[str]:
        lost, lines = self.lost, []
        if lost:
            rest = f", the {_MOST_SHOWN} greatest losses" if len(lost) > _MOST_SHOWN else ""
            lines.append(f"{len(lost):,} queries lose{rest}:")
        for one in lost[:_MOST_SHOWN]:
            before, after = one.before.measures, one.after.measures
            assert before and after
            lines.append(
                f"  {one.query!r} ({one.count:,}): {NDCG} {before.ndcg:.3f} -> {after.ndcg:.3f}, "
                f"{RECALL} {before.recall:.3f} -> {after.recall:.3f}"
            )
            lines += [f"    {sentence}" for sentence in one.why]
        return lines

    def to_json(self) -> str:
        """One JSON object: the means, then every query."""
        means = {
            name: None if found is None else asdict(found) | {"difference": found.difference}
            for name, found in self.means().items()
        }
        settings = {"level": LEVEL, "num_resamples": NUM_RESAMPLES, "num_searches": self.num_searches}
        names = {"before": self.before, "after": self.after}
        return json.dumps(names | settings | {"means": means, "queries": [asdict(one) for one in self.queries]})


def _means(values: Sequence[tuple[float, float]], queries: Sequence[QueryResult]) -> PairedMeans | None:
    pairs = np.asarray(values, float).reshape(-1, 2)
    return paired_means(pairs[:, 0], pairs[:, 1], np.asarray([one.count for one in queries], np.int64))
