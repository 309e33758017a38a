"""Faces that were followed over frames, joined into persons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

SAME_PERSON = 0.5
"""Mean distance between two faces of one person, at most: a little less than what names somebody, since a person who is
cut in two is joined again by their name, and two who are taken for one are not parted again."""
CLEAR_SIZE = 80
"""Pixels from which a larger face is not seen better."""


@dataclass(frozen=True, eq=False)
class SeenFace:
    """A face that was followed over n frames of a GIF. Pixels are those of the file."""

    frames: tuple[int, ...]
    """Their numbers in the file, ascending."""
    boxes: np.ndarray
    """(n, 4) float32: left, top, right, bottom."""
    landmarks: np.ndarray
    """(n, 5, 2) float32: eyes, nose, corners of the mouth."""
    scores: np.ndarray
    """(n,) float32: how sure the detector is."""
    sharpness: np.ndarray
    """(n,) float32: variance of the Laplacian of the face, turned upright, in grey levels."""
    embeddings: np.ndarray
    """(m, d) float32 of its m best faces; m = 0 where they were not kept."""
    chip: np.ndarray | None = None
    """(side, side, 3) uint8, the chip of the best face, where it is at hand."""

    @property
    def qualities(self) -> np.ndarray:
        """(n,) high for sure, large and sharp faces."""
        sizes = (self.boxes[:, 2] - self.boxes[:, 0] + self.boxes[:, 3] - self.boxes[:, 1]) / 2
        return quality(self.scores, self.sharpness, sizes)


def quality(score: npt.ArrayLike, sharpness: npt.ArrayLike, size: npt.ArrayLike) -> np.ndarray:
    """High for a sure, large and sharp face. `size` is in pixels."""
    return np.asarray(score) * np.log1p(sharpness) * np.minimum(1.0, np.asarray(size) / CLEAR_SIZE)


class BestFace(NamedTuple):
    """The face of a person to show."""

    frame: int
    box: tuple[float, float, float, float]
    chip: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Person:
    """Faces of one person in a GIF, one at least."""

    faces: tuple[SeenFace, ...]

    @property
    def embeddings(self) -> np.ndarray:
        """(n, d) of their best faces."""
        return np.concatenate([one.embeddings for one in self.faces])

    @property
    def frames(self) -> frozenset[int]:
        """The frames in which the person is seen."""
        return frozenset(frame for one in self.faces for frame in one.frames)

    def box_in(self, frame: int) -> tuple[float, ...] | None:
        """Where their face is in a frame: left, top, right, bottom. None where it is not seen."""
        return next(
            (tuple(one.boxes[one.frames.index(frame)].tolist()) for one in self.faces if frame in one.frames), None
        )

    @property
    def best(self) -> BestFace:
        """The face to show."""
        one = max(self.faces, key=lambda one: float(one.qualities.max()))
        at = int(one.qualities.argmax())
        left, top, right, bottom = one.boxes[at].tolist()
        return BestFace(one.frames[at], (left, top, right, bottom), one.chip)


def join_faces(faces: Sequence[SeenFace]) -> list[Person]:
    """Persons: agglomeration of followed faces by mean distance, nearest first.

    Two that share a frame are two people. Stops where no pair is nearer than SAME_PERSON. Each must have an embedding.
    """
    people = [Person((one,)) for one in faces]
    while True:
        best = min(
            (
                (distance(people[i].embeddings, people[j].embeddings), i, j)
                for i in range(len(people))
                for j in range(i + 1, len(people))
                if not people[i].frames & people[j].frames
            ),
            default=(np.inf, 0, 0),
        )
        if best[0] >= SAME_PERSON:
            return people
        _, i, j = best
        people[i] = Person(people[i].faces + people.pop(j).faces)


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """The mean Euclidean distance between two sets of embeddings (n, d) and (m, d)."""
    return float(np.linalg.norm(a[:, None] - b[None], axis=2).mean())
