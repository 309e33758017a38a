"""People, films and shows that uploaders name, and entities.jsonl, which lists them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

HUMAN, FILM, SERIES = "human", "film", "television series"


@dataclass(frozen=True)
class Entity:
    """A person or a title, as Wikidata labels it, with its other names."""

    label: str
    type: str
    aliases: tuple[str, ...] = ()


ENTITIES: tuple[Entity, ...] = (
    Entity("Tom Hanks", HUMAN),
    Entity("Taylor Swift", HUMAN, ("tswift",)),
    Entity("Beyoncé", HUMAN, ("Queen Bey",)),
    Entity("Rihanna", HUMAN),
    Entity("Barack Obama", HUMAN, ("Obama",)),
    Entity("Keanu Reeves", HUMAN),
    Entity("Oprah Winfrey", HUMAN, ("Oprah",)),
    Entity("Ryan Reynolds", HUMAN),
    Entity("Emma Stone", HUMAN),
    Entity("Will Smith", HUMAN),
    Entity("Lady Gaga", HUMAN, ("Stefani Germanotta",)),
    Entity("Steve Carell", HUMAN),
    Entity("Jim Carrey", HUMAN),
    Entity("Jennifer Lawrence", HUMAN, ("JLaw",)),
    Entity("Cristiano Ronaldo", HUMAN, ("CR7",)),
    Entity("Serena Williams", HUMAN),
    Entity("Ada Quillfeather", HUMAN),
    Entity("Bram Ostrander", HUMAN),
    Entity("Titanic", FILM),
    Entity("Frozen", FILM),
    Entity("The Matrix", FILM, ("Matrix",)),
    Entity("Star Wars", FILM, ("Star Wars: A New Hope",)),
    Entity("Mean Girls", FILM),
    Entity("Toy Story", FILM),
    Entity("Shrek", FILM),
    Entity("Finding Nemo", FILM, ("Nemo",)),
    Entity("Jurassic Park", FILM),
    Entity("Inception", FILM),
    Entity("Moana", FILM),
    Entity("Night of the Paper Moths", FILM),
    Entity("Game of Thrones", SERIES, ("GoT",)),
    Entity("Stranger Things", SERIES),
    Entity("Breaking Bad", SERIES),
    Entity("The Simpsons", SERIES, ("Simpsons",)),
    Entity("Seinfeld", SERIES),
    Entity("Parks and Recreation", SERIES, ("Parks and Rec",)),
    Entity("Doctor Who", SERIES),
    Entity("Sherlock", SERIES),
    Entity("Brooklyn Nine-Nine", SERIES, ("B99",)),
    Entity("The Lantern Inspectors", SERIES),
)
"""Entities that uploaders name. The last ones of each type are invented."""

NAMED_LIKE_WORDS: tuple[Entity, ...] = (
    Entity("Cars", FILM),
    Entity("The Birds", FILM),
    Entity("Big", FILM),
    Entity("Up", FILM),
    Entity("The Office", SERIES),
)
"""Also on the list, but no uploader of the sample means them: "cars" are several cars."""


def entity_rows() -> list[dict[str, Any]]:
    """The rows of entities.jsonl: {id, label, type, aliases}. The ids are the sample's own, not Wikidata's."""
    listed = enumerate(ENTITIES + NAMED_LIKE_WORDS, start=1)
    return [{"id": f"sample-{number}", **asdict(entity)} for number, entity in listed]
