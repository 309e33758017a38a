"""The gallery: who is known, by the embeddings of a few pictures of each person."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.tables import GALLERY
from autotag_core.warehouse.delta import live_files, open_table
from autotag_core.warehouse.own_tables import read_newest, replace_rows
from autotag_core.warehouse.run_records import table_uri

KNOWN_DISTANCE = 0.53
"""Mean distance between a person's faces in a GIF and their enrolled pictures at which the name is as likely right as
wrong. dlib's limit of 0.6 for two pictures names strangers where hundreds of people are enrolled."""
_STEEPNESS = 30.0
"""Of the probability around KNOWN_DISTANCE, per unit of distance."""


@dataclass(frozen=True)
class Named:
    """The enrolled person who looks most like somebody. `is_known` is false where that is not near enough."""

    person_id: str
    name: str
    distance: float
    probability: float

    @property
    def is_known(self) -> bool:
        """Whether the name is more likely right than wrong."""
        return self.probability >= 0.5


@dataclass(frozen=True, eq=False)
class Gallery:
    """Enrolled pictures: `people[i]` is shown by the rows of `embeddings` where `owners` is i."""

    people: tuple[tuple[str, str], ...]
    """(person_id, name), by person_id."""
    owners: np.ndarray
    embeddings: np.ndarray
    """(pictures, 128) float32."""
    version: int

    def distances(self, faces: np.ndarray) -> np.ndarray:
        """The mean distance from faces (n, 128) to each person's pictures, (people,)."""
        pairs = np.linalg.norm(self.embeddings[:, None] - faces[None], axis=2).mean(1)  # (pictures,)
        return np.bincount(self.owners, pairs, len(self.people)) / np.bincount(self.owners, minlength=len(self.people))

    def nearest(self, faces: np.ndarray) -> Named | None:
        """Whom the faces (n, 128) of one person look most like. None in an empty gallery."""
        if not self.people:
            return None
        distances = self.distances(faces)
        best = int(distances.argmin())
        return Named(*self.people[best], float(distances[best]), probability(float(distances[best])))


def probability(distance: float) -> float:
    """How likely two are one person at this mean distance: a logistic curve, 0.5 at KNOWN_DISTANCE."""
    return 1 / (1 + math.exp(_STEEPNESS * (distance - KNOWN_DISTANCE)))


def empty_gallery() -> Gallery:
    """A gallery of nobody."""
    return Gallery((), np.empty(0, np.int64), np.empty((0, 128), np.float32), -1)


def read_gallery(uri: str, model_version: str) -> Gallery:
    """The gallery in a folder, at its newest version.

    InputError where there is none, or where other networks made it: their embeddings can't be compared.
    """
    found = read_newest(uri, GALLERY)
    if found is None:
        raise InputError(f"{uri}: no gallery there: make one with `autotag faces enroll`")
    return as_gallery(*found, model_version, uri)


def as_gallery(rows: pa.Table, version: int, model_version: str, uri: str) -> Gallery:
    """The rows of GALLERY as a gallery. Of a picture that was enrolled twice the first row counts."""
    others = set(rows["model_version"].to_pylist()) - {model_version}
    if others:
        raise InputError(f"{uri}: made with {others.pop()}; here faces are embedded with {model_version}: enroll again")
    unique = {(row["person_id"], row["picture"]): row for row in reversed(rows.to_pylist())}
    names = {person: row["name"] for (person, _), row in sorted(unique.items())}
    people = tuple(sorted(names.items()))
    place = {person: at for at, (person, _) in enumerate(people)}
    kept = [unique[key] for key in sorted(unique)]
    embeddings = np.array([row["embedding"] for row in kept], np.float32).reshape(len(kept), -1)
    return Gallery(people, np.array([place[row["person_id"]] for row in kept], np.int64), embeddings, version)


def remove_people(uri: str, person_ids: Collection[str]) -> int:
    """Take people out of a gallery, and delete what older versions of it hold. Gives how many pictures that were.

    InputError where one of them is not enrolled.
    """
    found = read_newest(uri, GALLERY)
    rows = GALLERY.plain_schema.empty_table() if found is None else found[0]
    missing = set(person_ids) - set(rows["person_id"].to_pylist())
    if missing:
        raise InputError(f"{uri}: not enrolled: {', '.join(sorted(missing))}")
    kept = rows.filter(pc.invert(pc.is_in(rows["person_id"], pa.array(sorted(person_ids)))))
    replace_rows(uri, GALLERY, kept.to_pylist())
    table = table_uri(uri, GALLERY.name)
    live = set(live_files(open_table(table), table))
    storage.delete_files([one for one in storage.list_files(table) if one.endswith(".parquet") and one not in live])
    return len(rows) - len(kept)
