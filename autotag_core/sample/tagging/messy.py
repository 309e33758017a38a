"""The same tags as in a real vocabulary: other languages, forms, synonyms, slips and dress, with names among them."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from autotag_core.drawing.factors import Recipe, random_of, vocabulary
from autotag_core.sample.tagging.entities import ENTITIES, HUMAN, Entity
from autotag_core.sample.tagging.slips import MIN_PREFIX, cut, misspell, repeat
from autotag_core.sample.tagging.translations import LANGUAGES, TRANSLATIONS
from autotag_core.sample.tagging.wordings import INFLECTIONS, OTHER_WORDS, SYNONYMS

FOREIGN_SHARE = 0.3
"""Share of uploads in another language, times the share of messy tags."""
TRANSLATED = 0.9
"""Share of such an upload's tags that are translated, of those that have a translation."""
_CHANGED = 0.72
"""Share of such an upload's tags that change. The others have no translation (gif, wow)."""
NO_ACCENTS = 0.2
"""Share of translated tags without their accents."""
DRESSED = 0.25
"""Share that is dressed as well, of tags already written in another way, and of added words and names."""
NAMED = 0.5
"""Share of uploads that name somebody or something, times the share of messy tags. Other words come in that share."""
WAYS = {"inflection": 0.2, "synonym": 0.2, "misspelling": 0.15, "repeat": 0.1, "prefix": 0.1, "dress": 0.25}
"""How often a tag is written in each of these ways."""
_EMOJI = ("😂", "❤️", "🎉", "😍", "🔥", "✨", "👍🏽", "🥳")
_MAX_TRIES = 20
_REAL_WORDS = """
act anima anime bid cafe cock fading fete foo gradation hart hear heat hell hose menage nigh pant part plan plat pleas
singing sow tee to tsar
"""
"""Slips of a true tag that are also English words. Nobody could know which was meant."""
_ENGLISH = set(_REAL_WORDS.split()).union(
    *vocabulary().values(), *INFLECTIONS.values(), *SYNONYMS.values(), *OTHER_WORDS.values()
)
_FULL_WIDTH = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1)}


class Meaning(NamedTuple):
    """What a written tag is: `meant` is its right spelling in lower case, `label` its group, None where it is out."""

    language: str
    kind: str
    """word, person or title"""
    meant: str
    label: str | None


def reworded(recipe: Recipe, said: dict[str, str], share: float) -> dict[str, Meaning]:
    """What the uploader of a GIF writes, in order, with its meaning. `said` gives the tag that each written tag is.

    About `share` of the tags are written in another way. A word that goes with a true tag is added in `share` of the
    uploads, and a name in NAMED of that share. The result is a function of the recipe, `said` and the share. No slip of
    one English word here is another one, so what a tag means can be known from it. Slips that meet are the exception
    (`ca`: cat, car).
    """
    rng = random_of(recipe.seed, recipe.index, "wording")
    language = rng.choice(LANGUAGES) if rng.random() < FOREIGN_SHARE * share else None
    odds = share * (1 - FOREIGN_SHARE * _CHANGED) / (1 - FOREIGN_SHARE * share)  # for the tags of all other uploads
    written: list[tuple[str, Meaning]] = []
    for word, tag in said.items():
        foreign = TRANSLATIONS.get(tag, {}).get(language) if language else None
        if foreign and rng.random() < TRANSLATED:
            written.append((_maybe_dressed(_typed(foreign, rng), rng), Meaning(str(language), "word", foreign, None)))
        elif not language and rng.random() < odds:
            written.append(_another_way(word, tag, rng))
        else:
            unclear = word != tag and word in _ENGLISH
            written.append((_slip(misspell, tag, rng) if unclear else word, Meaning("en", "word", tag, tag)))
    others = sorted(other for tag in recipe.tags() for other in OTHER_WORDS.get(tag, ()))
    if others and rng.random() < share:
        other = rng.choice(others)
        written.append((_maybe_dressed(other, rng), Meaning("en", "word", other, other)))
    if rng.random() < NAMED * share:
        written.append(_name(rng.choice(ENTITIES), rng))
    meaning_of = dict(reversed(written))  # of a tag that is written twice the first one counts
    return {word: meaning_of[word] for word, _ in written}


def tag_truth(counts: Counter[tuple[str, Meaning]]) -> list[dict[str, Any]]:
    """Rows {tag, language, kind, meant, label} of all written tags, sorted. Of two meanings the more common counts."""
    most_common = {tag: meaning for (tag, meaning), _ in sorted(counts.items(), key=lambda item: (item[1], item[0][0]))}
    return [{"tag": tag, **meaning._asdict()} for tag, meaning in sorted(most_common.items())]


def _another_way(word: str, tag: str, rng: random.Random) -> tuple[str, Meaning]:
    """The tag, written in one of the WAYS that it allows."""
    forms, synonyms = INFLECTIONS.get(tag, ()), SYNONYMS.get(tag, ())
    cannot = {"inflection": not forms, "synonym": not synonyms, "prefix": len(tag) <= MIN_PREFIX}
    ways = [way for way in WAYS if not cannot.get(way)]
    way = rng.choices(ways, [WAYS[name] for name in ways])[0]
    if way == "dress":
        return _dressed(tag, rng), Meaning("en", "word", tag, tag)
    if way in ("inflection", "synonym"):
        meant = rng.choice(forms if way == "inflection" else synonyms)
        return _maybe_dressed(meant, rng), Meaning("en", "word", meant, tag)
    slip = {"misspelling": misspell, "repeat": repeat, "prefix": cut}[way]
    return _maybe_dressed(_slip(slip, tag, rng), rng), Meaning("en", "word", tag, tag)


def _slip(slip: Callable[[str, random.Random], str], tag: str, rng: random.Random) -> str:
    """A slip of the tag that is no other word; the tag itself where none is found."""
    tries = (slip(tag, rng) for _ in range(_MAX_TRIES))
    return next((word for word in tries if word not in _ENGLISH), tag)


def _typed(foreign: str, rng: random.Random) -> str:
    """The word, now and then without its accents, unless that is an English word."""
    if rng.random() >= NO_ACCENTS:
        return foreign
    letters = unicodedata.normalize("NFD", foreign)
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return foreign if plain in _ENGLISH else plain


def _name(entity: Entity, rng: random.Random) -> tuple[str, Meaning]:
    """A person or title as uploaders write it: one in four times by another name, mostly in lower case."""
    name = rng.choice(entity.aliases) if entity.aliases and rng.random() < 0.25 else entity.label
    meaning = Meaning("en", "person" if entity.type == HUMAN else "title", name.lower(), None)
    return _maybe_dressed(name if rng.random() < 0.3 else name.lower(), rng), meaning


def _maybe_dressed(text: str, rng: random.Random) -> str:
    return _dressed(text, rng) if rng.random() < DRESSED else text


def _dressed(text: str, rng: random.Random) -> str:
    """The same words in other case, spaces or letters, or with signs around. Never the text as it is."""
    words = text.split()
    dresses = [
        text.upper(),
        " ".join(word.capitalize() for word in words),
        "#" + "".join(words),
        "#" + "".join(word.capitalize() for word in words),
        rng.choice(["-", "_", "  "]).join(words),
        rng.choice([f" {text}", f"{text} ", f"  {text} "]),
        text + rng.choice(["!", "!!", ".", "?"]),
        f"{rng.choice(_EMOJI)} {text}",
        text + rng.choice(_EMOJI),
        f'"{text}"',
        text.translate(_FULL_WIDTH),
    ]
    return rng.choice([dress for dress in dresses if dress != text])
