"""A file in; the people in it out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from autotag_core.config import FramesConfig
from autotag_core.faces.detector import FaceDetector
from autotag_core.faces.embedder import FaceEmbedder, sharpness
from autotag_core.faces.face_frames import face_frames
from autotag_core.faces.gallery import Gallery, Named
from autotag_core.faces.tracks import FollowedFace, Person, best_faces, follow, join_tracks
from autotag_core.failures import ItemError
from autotag_core.frames import fetch_bytes


@dataclass(frozen=True, eq=False)
class FoundPerson:
    """A person in a GIF. `named` is the nearest enrolled person, who may be too far to be named."""

    person: Person
    named: Named | None

    @property
    def name(self) -> str | None:
        """Their name; None for somebody unknown."""
        return self.named.name if self.named is not None and self.named.is_known else None


@dataclass(frozen=True, eq=False)
class FoundPeople:
    """What became of one file: its people, or why it was not read.

    Those seen longest come first; of those seen as long, the named ones."""

    uri: str
    people: tuple[FoundPerson, ...] = ()
    num_frames: int = 0
    error: str | None = None

    def to_json(self) -> str:
        """One JSON object: uri with people, or with error. Boxes are left, top, right, bottom in pixels."""
        if self.error is not None:
            return json.dumps({"uri": self.uri, "error": self.error}, ensure_ascii=False)
        people = [
            {
                "person_id": one.named.person_id if one.named and one.name else None,
                "name": one.name,
                "probability": round(one.named.probability, 4) if one.named else None,
                "num_frames": len(one.person.frames),
                "best_frame": one.person.best.face.frame,
                "box": [round(side) for side in one.person.best.face.box],
            }
            for one in self.people
        ]
        return json.dumps({"uri": self.uri, "num_frames": self.num_frames, "people": people}, ensure_ascii=False)

    def to_text(self) -> str:
        """One line: names with how sure they are and in how many of the frames they are seen."""
        if self.error is not None:
            return f"{self.uri}: not read: {self.error}"
        said = (
            f"{one.name or 'unknown'}{f' {one.named.probability:.2f}' if one.named and one.name else ''} "
            f"({len(one.person.frames)} of {self.num_frames} frames)"
            for one in self.people
        )
        return f"{self.uri}: {', '.join(said) or 'nobody'}"


class FaceFinder:
    """The networks and a gallery, loaded once."""

    def __init__(self, gallery: Gallery, embedder: FaceEmbedder) -> None:
        self._gallery, self._embedder, self._detector = gallery, embedder, FaceDetector()

    def find_files(self, uris: Iterable[str], config: FramesConfig) -> Iterator[FoundPeople]:
        """The people in each file, in order. A file that can't be read has an error; the others go on."""
        for uri in uris:
            try:
                yield replace(self.find(face_frames(fetch_bytes(uri, config), config)), uri=uri)
            except ItemError as error:
                yield FoundPeople(uri, error=f"{error.reason}: {error.message}")

    def find(self, frames: np.ndarray) -> FoundPeople:
        """The people in frames (n, height, width, 3) uint8 RGB. Each enrolled person comes once."""
        followed = [
            FollowedFace(face, chip, sharpness(chip))
            for faces in self._detector.detect(frames)
            for face in faces
            for chip in [self._embedder.chip(frames[face.frame], face)]
        ]
        tracks = follow(followed)
        best = [best_faces(track) for track in tracks]
        embeddings = self._embedder.embed([one.chip for faces in best for one in faces])
        parts = np.split(embeddings, np.cumsum([len(faces) for faces in best])[:-1]) if best else []
        persons = join_tracks(tracks, parts)
        found = one_each([FoundPerson(one, self._gallery.nearest(one.embeddings)) for one in persons])
        order = sorted(found, key=lambda one: (-len(one.person.frames), one.name is None, one.name or ""))
        return FoundPeople("", tuple(order), len(frames))


def one_each(found: list[FoundPerson]) -> list[FoundPerson]:
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
            both = np.concatenate([first.person.embeddings, one.person.embeddings])
            result[at] = replace(first, person=Person(first.person.tracks + one.person.tracks, both))
    return result
