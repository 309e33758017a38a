"""The search an application would run on the index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from autotag_core.errors import InputError
from autotag_core.search.client import explained

MAX_WORDS = 16
WHOLE_TAG_BOOST = 2.0
"""A tag that is exactly what was typed counts twice as much as one that only holds a word of it."""
CAPTION_BOOST = 0.3
"""A caption is prose: a word in it says less than a tag."""
TEXT_BOOST = 0.6
"""People search for what a GIF says. It counts more than a caption, which is about the GIF, and less than a tag, since
OCR may be wrong."""
WRITTEN_BOOST = 0.3
"""Where tags are labels, people also find a GIF by a spelling that became part of a label, or by a tag that is none."""
NAME_BOOST, NAME_WORD_BOOST = 10.0, 3.0
"""Who types a name wants GIFs of that person, before those that only have it as a tag; a part of a name says less."""
POPULARITY_WEIGHT = 0.1
"""A million views add 0.6 to a factor of 1. So popularity orders near-equals and doesn't bury the right GIF."""


@dataclass(frozen=True)
class SearchHit:
    """A GIF that was found, and the (tag, weight) that matched: highest weight first, ties alphabetical."""

    gif_id: str
    score: float
    tags: tuple[tuple[str, float], ...]
    caption: str | None
    uri: str | None


def search_gifs(
    client: Elasticsearch,
    index: str,
    words: str,
    size: int = 10,
    accepted_only: bool = False,
    with_tags: bool = True,
) -> list[SearchHit]:
    """The best `size` GIFs for the words in an index or alias: highest score first, ties by gif_id.

    accepted_only: only tags whose probability reached their threshold (vote.target_precision) count. Without
    `with_tags` the hits are the same, and their `tags` are empty: to name what matched takes most of the time of a long
    list. InputError where there is no such index, no words, or no answer.
    """
    if not words.strip():
        raise InputError("search: no words; type what the GIF should show, for example: happy cat")
    with explained(client):
        answer = client.search(
            index=index,
            query=gif_query(words, accepted_only, with_tags),
            size=size,
            sort=[{"_score": "desc"}, {"gif_id": "asc"}],
            source_includes=["gif_id", "caption", "uri"],
        )
    return [_hit(hit) for hit in answer["hits"]["hits"]]


def tag_weights(client: Elasticsearch, index: str, gif_ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """The weights by tag of these GIFs' documents, by gif_id, without GIFs that the index does not hold."""
    with explained(client):
        answer = client.search(
            index=index,
            query={"terms": {"gif_id": list(gif_ids)}},
            size=len(gif_ids),
            source_includes=["gif_id", "tags"],
        )
    documents = [hit["_source"] for hit in answer["hits"]["hits"]]
    return {one["gif_id"]: {tag["tag"]: float(tag["weight"]) for tag in one["tags"]} for one in documents}


def gif_query(words: str, accepted_only: bool = False, with_tags: bool = True) -> dict[str, Any]:
    """The query of these words, as Elasticsearch takes it.

    score = (sum over words of best matching tag's BM25 x weight, + people, + caption, + text, + written tags) x
    popularity's factor, which is 1 + 0.1 log10(1 + popularity).
    Every word, and the whole phrase as one tag, is a clause of its own. So a GIF with both words beats one that has the
    same word in many tags.
    """
    whole = {"term": {"tags.tag": {"value": words.strip(), "boost": WHOLE_TAG_BOOST}}}
    clauses = [_tag_clause("whole" if with_tags else None, whole, accepted_only)]
    for number, word in enumerate(words.split()[:MAX_WORDS]):
        name = f"word {number}" if with_tags else None
        clauses.append(_tag_clause(name, {"match": {"tags.tag.words": word}}, accepted_only))
    clauses.append({"term": {"people": {"value": words.strip(), "boost": NAME_BOOST}}})
    clauses.append({"match": {"people.words": {"query": words, "boost": NAME_WORD_BOOST}}})
    clauses.append({"match": {"caption": {"query": words, "boost": CAPTION_BOOST}}})
    clauses.append({"match": {"text": {"query": words, "boost": TEXT_BOOST}}})
    clauses.append({"match": {"written_tags": {"query": words, "boost": WRITTEN_BOOST}}})
    popularity = {"field": "popularity", "modifier": "log1p", "missing": 0}
    return {
        "function_score": {
            "query": {"bool": {"should": clauses, "minimum_should_match": 1}},
            "functions": [{"weight": 1}, {"field_value_factor": popularity, "weight": POPULARITY_WEIGHT}],
            "score_mode": "sum",
            "boost_mode": "multiply",
        }
    }


def _tag_clause(name: str | None, query: dict[str, Any], accepted_only: bool) -> dict[str, Any]:
    """The best tag that matches. With a name, a hit says which tags did."""
    weight = {"field": "tags.weight", "missing": 0}
    if accepted_only:
        query = {"bool": {"must": query, "filter": {"term": {"tags.accepted": True}}}}
    return {
        "nested": {
            "path": "tags",
            "query": {"function_score": {"query": query, "field_value_factor": weight, "boost_mode": "multiply"}},
            "score_mode": "max",
            **({} if name is None else {"inner_hits": {"name": name, "size": 10}}),
        }
    }


def _hit(hit: dict[str, Any]) -> SearchHit:
    found = {
        (inner["_source"]["tag"], float(inner["_source"]["weight"]))
        for clause in hit.get("inner_hits", {}).values()
        for inner in clause["hits"]["hits"]
    }
    source = hit["_source"]
    tags = tuple(sorted(found, key=lambda pair: (-pair[1], pair[0])))
    return SearchHit(source["gif_id"], hit["_score"], tags, source.get("caption"), source.get("uri"))
