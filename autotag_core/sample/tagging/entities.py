"""People, films and shows that uploaders name, and entities.jsonl, which lists them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from autotag_core.word_lists import read_word_list

HUMAN, FILM, SERIES = "human", "film", "television series"


@dataclass(frozen=True)
class Entity:
    """A person or a title, as Wikidata labels it, with its other names."""

    label: str
    type: str
    aliases: tuple[str, ...] = ()


_ROWS = read_word_list(__package__, "entities.csv")


def _entities(named: str) -> tuple[Entity, ...]:
    return tuple(
        Entity(row["label"], row["type"], tuple(filter(None, row["aliases"].split("|"))))
        for row in _ROWS
        if row["named"] == named
    )


ENTITIES = _entities("yes")
"""Entities that uploaders name. The last ones of each type are invented."""

NAMED_LIKE_WORDS = _entities("no")
"""Also on the list, but no uploader of the sample means them: "cars" are several cars."""


def entity_rows() -> list[dict[str, Any]]:
    """The rows of entities.jsonl: {id, label, type, aliases}. The ids are the sample's own, not Wikidata's."""
    listed = enumerate(ENTITIES + NAMED_LIKE_WORDS, start=1)
    return [{"id": f"sample-{number}", **asdict(entity)} for number, entity in listed]
