"""What the service asks Elasticsearch. Nothing that never comes up is in any answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from autotag_core.search.never import Never, is_safe
from autotag_core.search.queries import gif_query

SOURCE = ("gif_id", "tags", "caption", "uri")
NUM_RELATED, MOST_BESIDE = 20, 200
LEAST_BESIDE = 2
"""GIFs that have both tags: one may be chance."""
_FREQUENT = {"field": "tags.tag", "size": 2000}
_MOST_EXACT = 1000
"""Hits are counted up to so many: to count all of a frequent tag takes longer than to find the first."""


@dataclass(frozen=True)
class Found:
    """Documents of one page, and how many there are in all."""

    documents: list[dict[str, Any]]
    total: int


@dataclass(frozen=True)
class Searches:
    """One alias of one server. Threads may share it; errors are those of the client."""

    client: Elasticsearch
    index: str
    never: Never

    def by_words(self, words: str, limit: int, offset: int) -> Found:
        """GIFs for the words, as `search_gifs` ranks them."""
        return self._page(gif_query(words, with_tags=False), limit, offset, [{"_score": "desc"}, {"gif_id": "asc"}])

    def rising(self, limit: int, offset: int) -> Found:
        """GIFs that rise, the highest first; then the most popular ones."""
        order: list[dict[str, Any]] = [
            {"trend": {"order": "desc", "missing": "_last"}},
            {"popularity": "desc"},
            {"gif_id": "asc"},
        ]
        return self._page({"match_all": {}}, limit, offset, order)

    def related(self, gif_id: str, limit: int) -> list[dict[str, Any]] | None:
        """GIFs that people look at like this one, nearest first; else those that mean the same. None: no such GIF."""
        # as a field: Elasticsearch 9 leaves vectors out of _source
        options = {"size": 1, "source_includes": ["related_gifs"], "fields": ["meaning"]}
        found = self._search({"ids": {"values": [gif_id]}}, **options)["hits"]["hits"]
        if not found:
            return None
        meaning = found[0].get("fields", {}).get("meaning")
        if names := found[0]["_source"].get("related_gifs") or []:
            hits = self._search({"ids": {"values": names}}, size=len(names))["hits"]["hits"]
            known = {hit["_id"]: hit["_source"] for hit in hits}
            return [known[name] for name in names if name in known][:limit]
        if not meaning:
            return []
        others = [is_safe(self.never), {"bool": {"must_not": {"ids": {"values": [gif_id]}}}}]
        nearest = {
            "field": "meaning",
            "query_vector": [int(value) for value in meaning],
            "k": limit,
            "num_candidates": 2 * limit,
        }
        answer = self.client.search(
            index=self.index, knn=nearest | {"filter": others}, size=limit, source_includes=list(SOURCE)
        )
        return [hit["_source"] for hit in answer["hits"]["hits"]]

    def tags_beside(self, tag: str) -> list[tuple[str, int]]:
        """(tag, GIFs that have both): tags that are beside this one more often than elsewhere, the most so first.

        By share here minus share in all GIFs, times their ratio, as Elasticsearch's own significant terms (JLH). Those
        count nested documents and their parents together. Ties are alphabetical.
        """
        num_here, here = self._count_tags({"nested": {"path": "tags", "query": {"term": {"tags.tag": tag}}}})
        if not here:
            return []
        num_all, everywhere = self._count_tags({"match_all": {}}, list(here))
        hidden = {*self.never.tags, *self.never.people, tag.lower()}
        scores = {}
        for name, count in here.items():
            share, usual = count / num_here, everywhere.get(name, count) / num_all
            if name not in hidden and count >= LEAST_BESIDE and share > usual:
                scores[name] = (share - usual) * share / usual
        ranked = sorted(scores, key=lambda name: (-scores[name], name))
        return [(name, here[name]) for name in ranked[:NUM_RELATED]]

    def _count_tags(self, query: dict[str, Any], names: list[str] | None = None) -> tuple[int, dict[str, int]]:
        """How many GIFs the query finds, and how many of them have each tag: of these tags, or the most frequent."""
        terms: dict[str, Any] = {"field": "tags.tag", "size": MOST_BESIDE}
        if names is not None:
            terms["include"] = names
        counted = {"tags": {"nested": {"path": "tags"}, "aggs": {"names": {"terms": terms}}}}
        answer = self._search(query, size=0, aggregations=counted, track_total_hits=True)
        buckets = answer["aggregations"]["tags"]["names"]["buckets"]
        return answer["hits"]["total"]["value"], {one["key"]: one["doc_count"] for one in buckets}

    def at_random(self, tag: str | None, seed: int) -> dict[str, Any] | None:
        """A GIF, of the tag if one is given. The same seed gives the same GIF of an index."""
        chance = {"random_score": {"seed": seed, "field": "_seq_no"}, "boost_mode": "replace"}
        if tag:
            chance["query"] = {"nested": {"path": "tags", "query": {"term": {"tags.tag": tag}}}}
        hits = self._search({"function_score": chance}, size=1)["hits"]["hits"]
        return hits[0]["_source"] if hits else None

    def frequent_tags(self) -> list[str]:
        """The tags of the most GIFs, the most frequent first, in lower case."""
        counted = {"tags": {"nested": {"path": "tags"}, "aggs": {"names": {"terms": _FREQUENT}}}}
        answer = self._search({"match_all": {}}, size=0, aggregations=counted)
        return [one["key"] for one in answer["aggregations"]["tags"]["names"]["buckets"]]

    def is_there(self) -> bool:
        """Whether the alias is there and the server answers."""
        try:
            self.client.count(index=self.index)
        except NotFoundError:
            return False
        return True

    def _page(self, query: dict[str, Any], limit: int, offset: int, order: Sequence[dict[str, Any]]) -> Found:
        if limit == 0:
            return Found([], 0)
        answer = self._search(query, size=limit, from_=offset, sort=list(order), track_total_hits=_MOST_EXACT)
        return Found([hit["_source"] for hit in answer["hits"]["hits"]], answer["hits"]["total"]["value"])

    def _search(self, query: dict[str, Any], **options: Any) -> Any:
        options.setdefault("source_includes", list(SOURCE))
        safe = {"bool": {"must": query, "filter": is_safe(self.never)}}
        return self.client.search(index=self.index, query=safe, **options)
