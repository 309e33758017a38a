"""A phrase to one GIF of the search index."""

from __future__ import annotations

from dataclasses import dataclass

from autotag_core import search
from autotag_core.config import ElasticsearchConfig, TextConfig
from autotag_core.errors import InputError
from autotag_core.search.client import explained
from autotag_core.search.never import read_never
from autotag_core.search.translation.meanings import Meanings
from autotag_core.search.translation.translator import Translation, Translator, checked_phrase


@dataclass(frozen=True)
class PhraseRequest:
    """What `autotag translate` was asked."""

    phrase: str
    url: str
    index: str
    weirdness: float
    seed: int
    most: int
    never: str | None = None
    """A file of tags and people that never come up."""


def translate_phrase(request: PhraseRequest) -> Translation:
    """The first GIFs for the phrase. InputError where there are none, or Elasticsearch does not answer."""
    checked_phrase(request.phrase)
    never = read_never(request.never)
    config = ElasticsearchConfig(timeout_s=10)
    with search.elasticsearch_client(request.url, config, search.read_credentials()) as client:
        translator = Translator(client, request.index, Meanings(TextConfig()), never)
        with explained(client):
            found = translator.translate(request.phrase, request.weirdness, request.seed)
    if not found.candidates:
        raise InputError(
            f"translate: {request.index} has no GIF with a meaning: run a night with --set elasticsearch.meaning=true"
        )
    return Translation(found.phrase, found.weirdness, found.seed, found.candidates[: request.most])
