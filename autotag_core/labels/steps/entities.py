"""Names of people, films and shows: an interface for sources, a list that the user gives, and which tags are names."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.labels.steps.decisions import Decision
from autotag_core.labels.words.lexicon import Lexicon
from autotag_core.labels.words.normalise import normalise

PERSON, TITLE = "person", "title"
_TITLES = (
    *("title", "film", "movie", "movieseries", "tvseries", "tvepisode", "tvseason", "show", "series", "q11424"),
    *("q5398426", "televisionseries", "televisionprogram", "animatedseries", "videogame", "videogameseries", "q7889"),
)
_PERSONS = ("person", "human", "q5", "musicgroup", "musicalgroup", "actor")
_KINDS = {**dict.fromkeys(_PERSONS, PERSON), **dict.fromkeys(_TITLES, TITLE)}
"""Kinds as Wikidata (P31), schema.org and people write them, in lower case without spaces."""
_MAX_SHOWN_ERRORS = 5


@dataclass(frozen=True)
class Entity:
    """A person, or a title: a film, show or game. `name` is as the source writes it."""

    name: str
    kind: str


class EntitySource(Protocol):
    """Where names come from."""

    def look_up(self, tags: Sequence[str]) -> Mapping[str, Entity]:
        """By normalised tag, the entity that it names; only tags that name one."""
        ...


class EntityList:
    """Names and aliases from a file: the offline source."""

    def __init__(self, entities: Iterable[tuple[str, Entity]]) -> None:
        self._entities = dict(entities)

    @property
    def names(self) -> frozenset[str]:
        """Every normalised name."""
        return frozenset(self._entities)

    def look_up(self, tags: Sequence[str]) -> Mapping[str, Entity]:
        """See EntitySource."""
        return {tag: self._entities[tag] for tag in tags if tag in self._entities}


def read_entities(uri: str) -> EntityList:
    """The list of a file: JSON lines {"label", "aliases", "kind"} or CSV with these columns, aliases between `|`.

    Columns may also have the names of exports of Wikidata's query service: `itemLabel` for label, `altLabel` (between
    commas) for aliases, `instanceOf` or `P31` for kind, also as .../Q5. InputError lists the first wrong lines and why.
    """
    text = storage.read_text(uri)
    rows = _csv_rows(text) if uri.lower().endswith(".csv") else _json_rows(text)
    found: dict[str, Entity] = {}
    problems = []
    for number, row in rows:
        entity, problem = _entity_of(row)
        if entity is None:
            problems.append(f"line {number}: {problem}")
            continue
        for name in (entity.name, *_aliases(row)):
            tag = normalise(name)
            if tag:
                found.setdefault(tag, entity)
    if problems:
        more = f"; and {len(problems) - _MAX_SHOWN_ERRORS:,} more" if len(problems) > _MAX_SHOWN_ERRORS else ""
        raise InputError(f"{uri}: {'; '.join(problems[:_MAX_SHOWN_ERRORS])}{more}")
    if not found:
        raise InputError(f'{uri}: no names; a list has lines like {{"label": "Tom Hanks", "kind": "person"}}')
    return EntityList(found.items())


def _json_rows(text: str) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                yield number, None


def _csv_rows(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    for row in reader:
        yield reader.line_num, {key: value for key, value in row.items() if key}


def _entity_of(row: Any) -> tuple[Entity | None, str]:
    if not isinstance(row, dict):
        return None, "not a JSON object"
    name = row.get("label") or row.get("itemLabel") or row.get("name")
    if not isinstance(name, str) or not normalise(name):
        return None, f"label is {name!r}, it must be a name"
    said = row.get("kind") or row.get("instanceOf") or row.get("P31") or row.get("type")
    kind = kind_of([said]) if isinstance(said, str) else None
    if kind is None:
        return None, f"kind of {name!r} is {said!r}, it must be person, film, show or the like"
    return Entity(name, kind), ""


def _aliases(row: dict[str, Any]) -> list[str]:
    found = row.get("aliases") or row.get("altLabel") or []
    if isinstance(found, str):
        return found.split("|") if "|" in found or "aliases" in row else found.split(",")
    return [alias for alias in found if isinstance(alias, str)] if isinstance(found, list) else []


def kind_of(names: Iterable[str]) -> str | None:
    """person or title, by the first name that is either. None where no name is."""
    kinds = (_KINDS.get(name.rpartition("/")[2].replace(" ", "").lower()) for name in names)
    return next((kind for kind in kinds if kind), None)


def find_entities(tags: Sequence[str], source: EntitySource, lexicon: Lexicon) -> list[Decision]:
    """One decision a tag: kept, or out because it is the name of a person, film or show.

    A common word stays even if a film has that name: people who tag `frozen` or `up` mostly mean the word.
    """
    found = source.look_up(tags)
    decisions = []
    for tag in tags:
        entity = found.get(tag)
        if entity is None:
            decisions.append(Decision(tag, "entities", "kept", ""))
        elif " " not in tag and lexicon.is_ordinary(tag):
            decisions.append(Decision(tag, "entities", "kept", f"{entity.kind} {entity.name}, but also a word"))
        else:
            decisions.append(Decision(tag, "entities", "out", f"{entity.kind}: {entity.name}"))
    return decisions
