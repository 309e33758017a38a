"""A phrase in, the GIFs for it out, first choice first."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from elasticsearch import Elasticsearch

from autotag_core.errors import InputError
from autotag_core.search.never import Never
from autotag_core.search.translation.candidates import Candidate, find_candidates
from autotag_core.search.translation.meanings import Meanings
from autotag_core.search.translation.weirdness import MAX_WEIRDNESS, drawn_order
from autotag_core.terminal import shown_lines

MAX_PHRASE = 300
"""Characters. People who type more are pasting."""


@dataclass(frozen=True)
class Translation:
    """What a phrase became, first choice first."""

    phrase: str
    weirdness: float
    seed: int
    candidates: list[Candidate]

    def to_text(self) -> str:
        """A line a GIF: score, gif_id, the tag that it came up for, and where it is."""
        lines = (
            f"{one.score:6.3f}  {one.document['gif_id']}  {one.because}  {one.document.get('uri') or ''}".rstrip()
            for one in self.candidates
        )
        return shown_lines(lines)

    def to_json(self) -> str:
        """One JSON object."""
        found = [
            {
                "gif_id": one.document["gif_id"],
                "uri": one.document.get("uri"),
                "score": one.score,
                "because": one.because,
            }
            for one in self.candidates
        ]
        said = {"phrase": self.phrase, "weirdness": self.weirdness, "seed": self.seed, "gifs": found}
        return json.dumps(said, ensure_ascii=False)


def checked_phrase(text: str) -> str:
    """The phrase with single spaces. InputError where it is empty or too long."""
    phrase = " ".join(text.split())
    if not phrase:
        raise InputError("translate: no words; say what the GIF should say, for example: so tired of mondays")
    if len(phrase) > MAX_PHRASE:
        raise InputError(f"translate: a phrase of {len(phrase)} characters, at most {MAX_PHRASE} are taken")
    return phrase


@dataclass(frozen=True)
class Translator:
    """What phrases are translated with. Threads may share it."""

    client: Elasticsearch
    index: str
    meanings: Meanings
    never: Never

    def translate(self, text: str, weirdness: float = 0, seed: int = 0) -> Translation:
        """The GIFs for a phrase, all safe. Empty where the index has none with a meaning.

        The same index, phrase, weirdness and seed give the same order. InputError for a phrase or weirdness that can't
        be; else the errors of the client.
        """
        phrase = checked_phrase(text)
        if not 0 <= weirdness <= MAX_WEIRDNESS:
            raise InputError(f"translate: weirdness {weirdness:g}, it must be 0 to {MAX_WEIRDNESS}")
        found = find_candidates(self.client, self.index, phrase, self.meanings, self.never)
        order = drawn_order(np.array([one.score for one in found]), weirdness, seed)
        return Translation(phrase, weirdness, seed, [found[place] for place in order])
