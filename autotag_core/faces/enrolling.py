"""Pictures of people in; pictures that can be enrolled out, and a reason for each that can't."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
import pyarrow as pa

from autotag_core.config import FramesConfig
from autotag_core.faces.detector import FaceDetector
from autotag_core.faces.embedder import Embedder, middle_sharpness
from autotag_core.faces.face_frames import face_frames
from autotag_core.faces.frame_keeper import FrameKeeper
from autotag_core.faces.gallery import KNOWN_DISTANCE, Gallery
from autotag_core.failures import ItemError
from autotag_core.frames import fetch_bytes
from autotag_core.frames.load import version_of
from autotag_core.tables import GALLERY

MAX_PICTURES = 20
"""Of a person. Further ones make naming slower and no surer."""
MIN_SIZE, MIN_SHARPNESS = 40, 8.0
"""Of a face that is enrolled: pixels, and variance of the Laplacian in the middle of its chip. Of 120 portraits of 92 x
112 pixels all have at least 24; blurred over two pixels (Gaussian), they have at most 4."""
SECOND_FACE = 0.5
"""A second face of at least this share of the largest one's size makes it unclear who is meant."""
UNLIKE = 0.6
"""Mean distance to the person's other pictures beyond which a picture shows somebody else."""


class Doubt(StrEnum):
    """Why a picture is not enrolled unless a person says so; `unreadable` and `no_face` can't be."""

    UNREADABLE = "unreadable"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    SMALL = "small"
    BLURRED = "blurred"
    UNLIKE_OTHERS = "unlike_others"
    LIKE_ANOTHER = "like_another"
    TOO_MANY = "too_many"


@dataclass(frozen=True)
class PersonPicture:
    """A picture that is said to show a person."""

    person_id: str
    name: str
    uri: str


@dataclass(frozen=True, eq=False)
class CheckedPicture:
    """What was found in a picture. `doubt` is None where it can be enrolled."""

    picture: PersonPicture
    key: str
    """sha256 of its bytes, first 32 hex digits; empty where they were not read."""
    doubt: Doubt | None
    said: str
    """The doubt in words."""
    chip: np.ndarray | None = None
    embedding: np.ndarray | None = None
    sharpness: float = 0.0
    decision: bool | None = None
    """What an editor said: enroll it or don't. None: nothing."""

    @property
    def is_taken(self) -> bool:
        """Whether it is enrolled: an editor's word overrules a doubt. Without a face nothing can be."""
        return self.embedding is not None and (self.doubt is None if self.decision is None else self.decision)


class PictureChecker:
    """Reads pictures one by one, with the networks loaded once."""

    def __init__(self, config: FramesConfig, embedder: Embedder) -> None:
        self._config, self._embedder, self._detector = config, embedder, FaceDetector()
        self._first_frame = FrameKeeper(1)

    def check(self, pictures: Iterable[PersonPicture]) -> Iterator[CheckedPicture]:
        """Each picture by itself, in order: can it be read, and does it show one face that is large and sharp?"""
        for picture in pictures:
            try:
                data = fetch_bytes(picture.uri, self._config)
                frame = face_frames(data, self._config, self._first_frame)[0].pixels
            except ItemError as error:
                yield CheckedPicture(picture, "", Doubt.UNREADABLE, f"{error.reason}: {error.message}")
                continue
            key = version_of(data)
            yield self._checked(CheckedPicture(picture, key, None, ""), frame)

    def _checked(self, checked: CheckedPicture, frame: np.ndarray) -> CheckedPicture:
        faces = sorted(self._detector.detect(frame[None])[0], key=lambda face: -face.size)
        if not faces:
            return replace(checked, doubt=Doubt.NO_FACE, said="no face was found")
        chip = self._embedder.chip(frame, faces[0])
        sharp = middle_sharpness(chip)
        checked = replace(checked, chip=chip, embedding=self._embedder.embed([chip])[0], sharpness=sharp)
        if len(faces) > 1 and faces[1].size >= SECOND_FACE * faces[0].size:
            return replace(checked, doubt=Doubt.SEVERAL_FACES, said=f"{len(faces)} faces: the largest is shown")
        if faces[0].size < MIN_SIZE:
            return replace(checked, doubt=Doubt.SMALL, said=f"the face has {faces[0].size:.0f} pixels, not {MIN_SIZE}")
        if sharp < MIN_SHARPNESS:
            return replace(checked, doubt=Doubt.BLURRED, said=f"sharpness {sharp:.0f}, not {MIN_SHARPNESS:.0f}")
        return checked


def compared(found: Sequence[CheckedPicture], gallery: Gallery) -> list[CheckedPicture]:
    """The pictures, with doubts that only show beside others: the person's own, other people's, and the gallery's.

    A picture in doubt, or that an editor refused, vouches for nobody.
    """
    people = sorted({one.picture.person_id for one in found})
    sure = [one for one in found if not one.doubt and one.decision is not False]
    good = {person: [one for one in sure if one.picture.person_id == person] for person in people}
    known = {person: [_embedding(one) for one in pictures] for person, pictures in good.items() if pictures}
    names = {one.picture.person_id: one.picture.name for one in found} | dict(gallery.people)
    for at, (person, _) in enumerate(gallery.people):
        known.setdefault(person, []).extend(gallery.embeddings[gallery.owners == at])
    counts = Counter(gallery.people[at][0] for at in gallery.owners.tolist())
    result = []
    for one in found:
        checked = one if one.doubt or one.decision is False else _against_others(one, known, names)
        if checked.doubt is None and checked.decision is not False:
            counts[one.picture.person_id] += 1
            if counts[one.picture.person_id] > MAX_PICTURES:
                said = f"{MAX_PICTURES} pictures of a person are enough"
                checked = replace(checked, doubt=Doubt.TOO_MANY, said=said)
        result.append(checked)
    return result


def _against_others(
    one: CheckedPicture, known: Mapping[str, list[np.ndarray]], names: Mapping[str, str]
) -> CheckedPicture:
    own_id, own = one.picture.person_id, _embedding(one)
    apart = {
        person: float(np.linalg.norm(np.array(others) - own, axis=1).sum() / max(1, len(others) - (person == own_id)))
        for person, others in known.items()
        if len(others) > (person == own_id)
    }
    from_own = apart.pop(own_id, None)
    nearest = min(apart, key=apart.__getitem__, default=None)
    if nearest is not None and apart[nearest] < min(KNOWN_DISTANCE, from_own or KNOWN_DISTANCE):
        said = f"looks like {names[nearest]} ({nearest}), distance {apart[nearest]:.2f}"
        return replace(one, doubt=Doubt.LIKE_ANOTHER, said=said)
    if from_own is not None and from_own > UNLIKE:
        said = f"distance {from_own:.2f} to the person's other pictures"
        return replace(one, doubt=Doubt.UNLIKE_OTHERS, said=said)
    return one


def as_rows(pictures: Iterable[CheckedPicture], model_version: str) -> pa.Table:
    """Rows of GALLERY. Each picture must have an embedding."""
    now = datetime.now(UTC)
    rows = [
        {
            "person_id": one.picture.person_id,
            "picture": one.key,
            "name": one.picture.name,
            "file": one.picture.uri.rpartition("/")[2],
            "embedding": _embedding(one).tolist(),
            "sharpness": one.sharpness,
            "model_version": model_version,
            "enrolled": now,
        }
        for one in pictures
    ]
    return pa.Table.from_pylist(rows, schema=GALLERY.plain_schema)


def _embedding(one: CheckedPicture) -> np.ndarray:
    assert one.embedding is not None
    return one.embedding
