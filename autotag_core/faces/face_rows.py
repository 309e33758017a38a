"""Followed faces as rows of the table faces, and persons as rows of the table people. No network is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from autotag_core.tables import FACES

if TYPE_CHECKING:
    from autotag_core.faces.naming import FoundPerson
    from autotag_core.faces.persons import SeenFace

_SEEN = ("frames", "boxes", "landmarks", "scores", "sharpness", "embeddings")
SEEN_FACE = pa.struct([pa.field(name, FACES.schema.field(name).type) for name in _SEEN])
"""A face before anybody is named: columns of the table faces."""


def to_struct(face: SeenFace) -> dict[str, Any]:
    """The face as SEEN_FACE."""
    return {
        "frames": list(face.frames),
        "boxes": face.boxes.ravel(),
        "landmarks": face.landmarks.ravel(),
        "scores": face.scores,
        "sharpness": face.sharpness,
        "embeddings": face.embeddings.ravel(),
    }


def from_struct(row: dict[str, Any], dimension: int) -> SeenFace:
    """The face of a SEEN_FACE or of a row of the table faces. Without kept embeddings it has none.

    `dimension`: how many numbers an embedding has.
    """
    from autotag_core.faces.persons import SeenFace

    return SeenFace(
        tuple(row["frames"]),
        np.array(row["boxes"], np.float32).reshape(-1, 4),
        np.array(row["landmarks"], np.float32).reshape(-1, 5, 2),
        np.array(row["scores"], np.float32),
        np.array(row["sharpness"], np.float32),
        np.array(row["embeddings"] or [], np.float32).reshape(-1, dimension),
    )


def as_rows(
    faces: Sequence[SeenFace], people: Sequence[FoundPerson], keep_unknown: bool
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """(rows of faces, rows of people) of one GIF, without the columns that are the same for all.

    Unless `keep_unknown`, faces of people whom nobody knows have no embeddings in them.
    """
    owner = {id(face): number for number, one in enumerate(people) for face in one.person.faces}
    face_rows = []
    for number, face in enumerate(faces):
        person = owner[id(face)]
        row = to_struct(face) | {"face": number, "person": person}
        if people[person].name is None and not keep_unknown:
            row["embeddings"] = None
        face_rows.append(row)
    return face_rows, [_person_row(number, one) for number, one in enumerate(people)]


def _person_row(number: int, one: FoundPerson) -> dict[str, Any]:
    best, is_known = one.person.best, one.name is not None
    return {
        "person": number,
        "person_id": one.named.person_id if one.named is not None and is_known else None,
        "name": one.name,
        "probability": one.named.probability if one.named is not None else None,
        "known": is_known,
        "num_frames": len(one.person.frames),
        "best_frame": best.frame,
        "box": list(best.box),
    }
