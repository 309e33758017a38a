"""The ways in which followed faces become named persons, by the setting `faces.grouping`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from autotag_core.config.faces import Grouping
from autotag_core.faces.gallery import Gallery
from autotag_core.faces.naming import FoundPerson, name_people
from autotag_core.faces.persons import SeenFace
from autotag_core.faces.published_naming import name_as_published

_WAYS: dict[Grouping, Callable[[Sequence[SeenFace], Gallery], list[FoundPerson]]] = {
    "tracks": name_people,
    "published": name_as_published,
}


def name_faces(faces: Sequence[SeenFace], gallery: Gallery, grouping: Grouping) -> list[FoundPerson]:
    """The persons of a GIF whose faces have embeddings, each enrolled person once. Those seen longest come first."""
    return _WAYS[grouping](faces, gallery)
