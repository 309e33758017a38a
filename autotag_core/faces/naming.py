"""Followed faces of a GIF in; its persons out, each named by a gallery or unknown. No network is needed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from autotag_core.faces.gallery import Gallery, Named
from autotag_core.faces.persons import Person, SeenFace, join_faces


@dataclass(frozen=True, eq=False)
class FoundPerson:
    """A person in a GIF. `named` is the nearest enrolled person, who may be too far to be named."""

    person: Person
    named: Named | None

    @property
    def name(self) -> str | None:
        """Their name; None for somebody unknown."""
        return self.named.name if self.named is not None and self.named.is_known else None


def name_people(faces: Sequence[SeenFace], gallery: Gallery) -> list[FoundPerson]:
    """The persons of a GIF whose faces have embeddings, each enrolled person once.

    Those seen longest come first; of those seen as long, the named ones.
    """
    return in_order(_one_each([FoundPerson(one, gallery.nearest(one.embeddings)) for one in join_faces(faces)]))


def in_order(found: Sequence[FoundPerson]) -> list[FoundPerson]:
    """Those seen longest first; of those seen as long, the named ones, by name."""
    return sorted(found, key=lambda one: (-len(one.person.frames), one.name is None, one.name or ""))


def _one_each(found: list[FoundPerson]) -> list[FoundPerson]:
    """The persons, each name once: those of one name are one person, unless a frame shows both.

    Then the nearest keeps the name, and the other is unknown.
    """
    result: list[FoundPerson] = []
    places: dict[str, int] = {}
    for one in sorted(found, key=lambda one: one.named.distance if one.named else np.inf):
        if one.name is None or one.named is None or one.named.person_id not in places:
            if one.name is not None and one.named is not None:
                places[one.named.person_id] = len(result)
            result.append(one)
            continue
        at = places[one.named.person_id]
        first = result[at]
        if first.person.frames & one.person.frames:
            result.append(replace(one, named=None))
        else:
            result[at] = replace(first, person=Person(first.person.faces + one.person.faces))
    return result
