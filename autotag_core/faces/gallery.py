"""The gallery: who is known, by the embeddings of a few pictures of each person."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.tables import GALLERY, GALLERY_THUMBNAILS, Table
from autotag_core.warehouse.delta import live_files, open_table
from autotag_core.warehouse.own_tables import read_newest, replace_rows
from autotag_core.warehouse.run_records import table_uri

KNOWN_DISTANCE = 0.52
"""Mean distance between a person's faces in a GIF and their enrolled pictures at which the name is as likely right as
wrong. dlib's limit of 0.6 for two pictures names strangers where hundreds of people are enrolled."""
_STEEPNESS = 30.0
"""Of the probability around KNOWN_DISTANCE, per unit of distance."""


@dataclass(frozen=True)
class Named:
    """The enrolled person who looks most like somebody."""

    person_id: str
    name: str
    distance: float
    probability: float
    is_known: bool
    """Whether the name is more likely right than wrong."""


@dataclass(frozen=True, eq=False)
class Gallery:
    """Enrolled pictures: `people[i]` is shown by the rows of `embeddings` where `owners` is i."""

    people: tuple[tuple[str, str], ...]
    """(person_id, name), by person_id."""
    owners: np.ndarray
    embeddings: np.ndarray
    """(pictures, d) float32."""
    version: int

    @property
    def digest(self) -> str:
        """Names its people and pictures, and the limit of a name: 16 hex digits. Equal ones name everybody alike."""
        content = hashlib.sha256(repr((self.people, KNOWN_DISTANCE, _STEEPNESS)).encode())
        content.update(self.owners.astype("<i8").tobytes())
        content.update(self.embeddings.astype("<f4").tobytes())
        return content.hexdigest()[:16]

    @cached_property
    def centers(self) -> np.ndarray:
        """(people, d) float64: the mean of each person's pictures."""
        sums = np.zeros((len(self.people), self.embeddings.shape[1]))
        np.add.at(sums, self.owners, self.embeddings)
        return sums / np.bincount(self.owners, minlength=len(self.people))[:, None]

    def distances(self, faces: np.ndarray) -> np.ndarray:
        """The mean distance from faces (n, d) to each person's pictures, (people,)."""
        pairs = np.linalg.norm(self.embeddings[:, None] - faces[None], axis=2).mean(1)  # (pictures,)
        return np.bincount(self.owners, pairs, len(self.people)) / np.bincount(self.owners, minlength=len(self.people))

    def nearest(self, faces: np.ndarray) -> Named | None:
        """Whom the faces (n, d) of one person look most like. None in an empty gallery."""
        return next(iter(self.ranked(faces, 1)), None)

    def ranked(self, faces: np.ndarray, num: int) -> list[Named]:
        """The `num` people whom the faces (n, d) of one person look most like, nearest first. Ties: by person_id."""
        if not self.people:
            return []
        distances = self.distances(faces)
        best = map(int, np.argsort(distances, kind="stable")[:num])
        return [_named(*self.people[at], float(distances[at])) for at in best]


def _named(person_id: str, name: str, distance: float) -> Named:
    likely = probability(distance)
    return Named(person_id, name, distance, likely, likely >= 0.5)


def probability(distance: float) -> float:
    """How likely two are one person at this mean distance: a logistic curve, 0.5 at KNOWN_DISTANCE."""
    return 1 / (1 + math.exp(_STEEPNESS * (distance - KNOWN_DISTANCE)))


def called(person_id: str, name: str) -> str:
    """What a person is called where two may have one name: with the id, if that says more."""
    return name if name == person_id else f"{name} ({person_id})"


def empty_gallery(dimension: int = 128) -> Gallery:
    """A gallery of nobody, by embeddings of so many numbers."""
    return Gallery((), np.empty(0, np.int64), np.empty((0, dimension), np.float32), -1)


def read_gallery(uri: str, model_version: str | None) -> Gallery:
    """The gallery in a folder, at its newest version. Without a model_version its embeddings can't be compared.

    InputError where there is none, or where other networks made it: their embeddings can't be compared.
    """
    return as_gallery(*gallery_rows(uri), model_version, uri)


def read_names(uri: str) -> list[str]:
    """The names of all enrolled people, by any networks. InputError where there is no gallery."""
    return sorted(set(gallery_rows(uri, ["name"])[0]["name"].to_pylist()))


def gallery_rows(uri: str, columns: Sequence[str] | None = None) -> tuple[pa.Table, int]:
    """(rows of GALLERY, their version), the newest. InputError where there is no gallery."""
    found = read_newest(uri, GALLERY, columns)
    if found is None:
        raise InputError(f"{uri}: no gallery there: make one with `autotag faces enroll`")
    return found


def as_gallery(rows: pa.Table, version: int, model_version: str | None, uri: str) -> Gallery:
    """The rows of GALLERY as a gallery. Of a picture that was enrolled twice the first row counts."""
    others = set(rows["model_version"].to_pylist()) - {model_version}
    if model_version is None and len(others) > 1:
        raise InputError(f"{uri}: made with {' and '.join(sorted(others))}: enroll again with one of them")
    if others and model_version is not None:
        raise InputError(
            f"{uri}: made with {others.pop()}; here faces are embedded with {model_version}: name the network that "
            "made it by --model or faces.model, or enroll again"
        )
    unique = {(row["person_id"], row["picture"]): row for row in reversed(rows.to_pylist())}
    names = {person: row["name"] for (person, _), row in sorted(unique.items())}
    people = tuple(sorted(names.items()))
    place = {person: at for at, (person, _) in enumerate(people)}
    kept = [unique[key] for key in sorted(unique)]
    if not kept:
        return replace(empty_gallery(), version=version)
    embeddings = np.array([row["embedding"] for row in kept], np.float32)
    return Gallery(people, np.array([place[row["person_id"]] for row in kept], np.int64), embeddings, version)


def remove_people(uri: str, person_ids: Collection[str]) -> int:
    """Take people out of a gallery, and delete what older versions of it hold. Gives how many pictures that were.

    InputError where one of them is not enrolled.
    """
    found = read_newest(uri, GALLERY, ["person_id"])
    missing = set(person_ids) - set(found[0]["person_id"].to_pylist() if found else ())
    if missing:
        raise InputError(f"{uri}: not enrolled: {', '.join(sorted(missing))}")
    _remove(uri, GALLERY_THUMBNAILS, person_ids)
    return _remove(uri, GALLERY, person_ids)


def _remove(uri: str, table: Table, person_ids: Collection[str]) -> int:
    """Take the people's rows out of a table, and delete all files of its older versions. Gives how many rows."""
    found = read_newest(uri, table)
    if found is None:
        return 0
    rows = found[0]
    kept = rows.filter(pc.invert(pc.is_in(rows["person_id"], pa.array(sorted(person_ids)))))
    replace_rows(uri, table, kept.to_pylist())
    place = table_uri(uri, table.name)
    live = set(live_files(open_table(place), place))
    storage.delete_files([one for one in storage.list_files(place) if one.endswith(".parquet") and one not in live])
    return len(rows) - len(kept)
