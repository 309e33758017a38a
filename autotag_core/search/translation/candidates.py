"""GIFs that may be what a phrase means, from Elasticsearch, and how well each fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch

from autotag_core.experts.text.sentences import as_bytes
from autotag_core.search.never import Never, is_safe
from autotag_core.search.translation.meanings import Meanings

NEAREST, NEAREST_WITH_WORDS = 100, 50
"""By meaning of all GIFs, and of those that have one of the phrase's words: what is said outright must not be lost."""
SOURCE = ("gif_id", "tags", "caption", "popularity", "trend", "uri", "people")
DOCUMENT_WEIGHT = 0.5
"""A tag that means the phrase says more than a document that is about it."""
PERSON_BONUS = 1.0
"""Who types a name wants that person."""
POPULARITY_WEIGHT = 0.01
"""A million views add 0.06: popularity orders near-equals."""
TREND_WEIGHT, MAX_TREND = 0.01, 5.0
"""For a doubling above its usual views; at most so many count."""


@dataclass(frozen=True)
class Candidate:
    """A document, without its vector, and how well it fits."""

    document: dict[str, Any]
    score: float
    because: str
    """The tag that is nearest to the phrase. Empty without tags."""


def find_candidates(
    client: Elasticsearch, index: str, phrase: str, meanings: Meanings, never: Never
) -> list[Candidate]:
    """At most 150 safe GIFs, best first, ties by gif_id. The errors are those of the client.

    score = max over tags of cosine(phrase, tag) (1 + weight) / 2 + 0.5 cosine(phrase, document) + 1 if it names
    a person who is seen + 0.01 log10(1 + popularity) + 0.01 trend.
    """
    vector = meanings.of_phrase(phrase)
    if not vector.any():
        return []
    safe, asked = is_safe(never), as_bytes(vector[None])[0].tolist()
    searches: list[dict[str, Any]] = []
    for k, filters in ((NEAREST, [safe]), (NEAREST_WITH_WORDS, [safe, _has_words(phrase)])):
        nearest = {"field": "meaning", "query_vector": asked, "k": k, "num_candidates": 2 * k, "filter": filters}
        searches += [{"index": index}, {"knn": nearest, "size": k, "_source": list(SOURCE)}]
    found: dict[str, tuple[dict[str, Any], float]] = {}
    for answer in client.msearch(searches=searches)["responses"]:
        _raise_error(client, answer)
        for hit in answer["hits"]["hits"]:
            found[hit["_id"]] = hit["_source"], 2 * hit["_score"] - 1
    return _ranked([found[gif_id] for gif_id in sorted(found)], phrase, vector, meanings)


def _has_words(phrase: str) -> dict[str, Any]:
    """A filter: a word of the phrase is one of a tag, or of a name."""
    tags = {"nested": {"path": "tags", "query": {"match": {"tags.tag.words": phrase}}}}
    return {"bool": {"should": [tags, {"match": {"people.words": phrase}}]}}


def _ranked(
    found: Sequence[tuple[dict[str, Any], float]], phrase: str, vector: np.ndarray, meanings: Meanings
) -> list[Candidate]:
    tags = list(dict.fromkeys(tag["tag"].lower() for document, _ in found for tag in document.get("tags") or ()))
    cosines = dict(zip(tags, (meanings.of(tags) @ vector).tolist(), strict=True))
    ranked = [_scored(document, cosine, phrase, cosines) for document, cosine in found]
    return sorted(ranked, key=lambda one: (-one.score, one.document["gif_id"]))


def _scored(document: dict[str, Any], cosine: float, phrase: str, cosines: dict[str, float]) -> Candidate:
    best, because = max(
        ((cosines[tag["tag"].lower()] * (1 + tag["weight"]) / 2, tag["tag"]) for tag in document.get("tags") or ()),
        default=(0.0, ""),
    )
    said = f" {' '.join(phrase.lower().split())} "
    bonus = PERSON_BONUS if any(f" {name.lower()} " in said for name in document.get("people") or ()) else 0.0
    popularity = POPULARITY_WEIGHT * math.log10(1 + max(0, document.get("popularity") or 0))
    trend = TREND_WEIGHT * min(MAX_TREND, document.get("trend") or 0.0)
    return Candidate(document, best + DOCUMENT_WEIGHT * cosine + bonus + popularity + trend, because)


def _raise_error(client: Elasticsearch, answer: dict[str, Any]) -> None:
    """ApiError where one of several searches failed: the answer as a whole is 200."""
    if "error" in answer:
        from elastic_transport import ApiResponseMeta, HttpHeaders
        from elasticsearch import ApiError

        node = client.transport.node_pool.get().config
        headers = HttpHeaders({"x-elastic-product": "Elasticsearch"})
        meta = ApiResponseMeta(answer["status"], "1.1", headers, 0.0, node)
        raise ApiError(answer["error"].get("type", "error"), meta, answer)
