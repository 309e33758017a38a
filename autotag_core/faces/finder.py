"""A file in; the people in it out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from autotag_core.config import FramesConfig
from autotag_core.config.faces import Grouping
from autotag_core.faces.face_frames import face_frames
from autotag_core.faces.gallery import Gallery, Named
from autotag_core.faces.grouping import name_faces
from autotag_core.faces.looker import FaceLooker
from autotag_core.faces.naming import FoundPerson
from autotag_core.failures import ItemError
from autotag_core.frames import fetch_bytes
from autotag_core.frames.decode import KeptFrame


@dataclass(frozen=True, eq=False)
class FoundPeople:
    """What became of one file: its people, or why it was not read. They are ordered as by `name_faces`."""

    uri: str
    people: tuple[FoundPerson, ...] = ()
    num_frames: int = 0
    error: str | None = None
    shown: tuple[KeptFrame, ...] = ()
    """The frames that show somebody best, in order."""

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
                "best_frame": best.frame,
                "box": [round(side) for side in best.box],
            }
            for one in self.people
            for best in [one.person.best]
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
    """Names the people in files and frames by a gallery."""

    def __init__(self, gallery: Gallery, looker: FaceLooker, grouping: Grouping = "tracks") -> None:
        self._gallery, self._looker, self._grouping = gallery, looker, grouping

    def find_files(self, files: Iterable[str | bytes], config: FramesConfig) -> Iterator[FoundPeople]:
        """The people in each file, named by its URI or given as bytes, in order.

        A file that can't be read has an error; the others go on. The URI of bytes is empty.
        """
        for file in files:
            uri = file if isinstance(file, str) else ""
            try:
                data = fetch_bytes(file, config) if isinstance(file, str) else file
                yield replace(self._find(face_frames(data, config, self._looker)), uri=uri)
            except ItemError as error:
                yield FoundPeople(uri, error=f"{error.reason}: {error.message}")

    def look_alikes(self, data: bytes, config: FramesConfig, num: int) -> list[Named]:
        """The `num` enrolled people whom a file's largest face looks most like, nearest first, known or not.

        Empty where there is no face. ItemError where the file can't be read.
        """
        faces = self._looker.read(face_frames(data, config, self._looker))
        if not faces:
            return []
        largest = max(faces, key=lambda one: float((one.boxes[:, 2] - one.boxes[:, 0]).max()))
        return self._gallery.ranked(largest.embeddings, num)

    def find(self, frames: np.ndarray) -> FoundPeople:
        """The people in frames (n, height, width, 3) uint8 RGB. Each enrolled person comes once."""
        return self._find([KeptFrame(at, frame.shape[1], frame) for at, frame in enumerate(frames)])

    def _find(self, kept: Sequence[KeptFrame]) -> FoundPeople:
        faces = self._looker.read(kept, with_chips=True)
        people = tuple(name_faces(faces, self._gallery, self._grouping))
        best = {one.person.best.frame for one in people}
        return FoundPeople("", people, len(kept), shown=tuple(frame for frame in kept if frame.index in best))
