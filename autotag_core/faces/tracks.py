"""Follows faces over frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from autotag_core.faces.detector import Face
from autotag_core.faces.persons import quality

MIN_OVERLAP = 0.3
"""Intersection over union of a face's boxes in two frames that follow each other."""
MIN_LIKENESS = 0.88
"""Of two chips of one track, see `FollowedFace.look`. In drawn GIFs 99 of 100 followed faces reach it, and one of 100
faces of two people: where a cut puts somebody else in the same place, a new track begins."""
MAX_GAP = 2
"""Frames in which a followed face may be missing."""
BEST_FACES = 4
"""Faces of a track that are embedded, best first: further ones change its mean little and cost the most."""
MAX_TRACKS = 40
"""Of a GIF: those with the most faces. It bounds a crowd's cost."""


@dataclass(frozen=True, eq=False)
class FollowedFace:
    """A face with its chip and how sharp that is."""

    face: Face
    chip: np.ndarray
    sharpness: float

    @property
    def quality(self) -> float:
        """High for a sure, large and sharp face."""
        return float(quality(self.face.score, self.sharpness, self.face.size))

    @cached_property
    def look(self) -> np.ndarray:
        """(576,) the chip in 24 x 24 grey levels, mean 0 and length 1: the dot product of two is their correlation."""
        small = cv2.resize(cv2.cvtColor(self.chip, cv2.COLOR_RGB2GRAY), (24, 24), interpolation=cv2.INTER_AREA)
        levels = small.ravel().astype(np.float64) - small.mean()
        return levels / max(float(np.linalg.norm(levels)), 1e-9)


Track = list[FollowedFace]
"""A face in some frames, in their order."""


def follow(faces: Sequence[FollowedFace]) -> list[Track]:
    """Tracks of the faces. Each face continues the track that it overlaps most, if it also looks alike.

    At most MAX_TRACKS, longest first. Cost: faces of a frame times tracks that are still open.
    """
    tracks: list[Track] = []
    by_frame: dict[int, Track] = {}
    for one in faces:
        by_frame.setdefault(one.face.frame, []).append(one)
    for frame, found in sorted(by_frame.items()):
        still_open = [track for track in tracks if frame - track[-1].face.frame <= MAX_GAP]
        pairs = [
            (overlap(track[-1].face.box, one.face.box), i, j)
            for i, track in enumerate(still_open)
            for j, one in enumerate(found)
        ]
        taken: tuple[set[int], set[int]] = (set(), set())
        for share, i, j in sorted(pairs, key=lambda pair: -pair[0]):
            is_free = i not in taken[0] and j not in taken[1]
            if share >= MIN_OVERLAP and is_free and still_open[i][-1].look @ found[j].look >= MIN_LIKENESS:
                still_open[i].append(found[j])
                taken[0].add(i)
                taken[1].add(j)
        tracks += [[one] for j, one in enumerate(found) if j not in taken[1]]
    return sorted(tracks, key=len, reverse=True)[:MAX_TRACKS]


def best_faces(track: Track) -> Track:
    """The faces of a track to embed: the best of BEST_FACES equal parts of it, so that they differ."""
    parts = np.array_split(np.arange(len(track)), min(BEST_FACES, len(track)))
    return [max((track[at] for at in part), key=lambda one: one.quality) for part in parts]


def overlap(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Intersection over union of two boxes, left, top, right, bottom."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    both = max(0.0, width) * max(0.0, height)
    return both / max(_area(a) + _area(b) - both, 1e-9)


def _area(box: tuple[float, ...]) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
