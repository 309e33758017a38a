"""Frames of a GIF in; the faces that were followed over them out, with embeddings of the best."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from autotag_core.faces.detector import CROWD_PIXELS, FaceDetector
from autotag_core.faces.embedder import Embedder, sharpness
from autotag_core.faces.embedders import load_embedder
from autotag_core.faces.frame_keeper import FrameKeeper
from autotag_core.faces.persons import SeenFace
from autotag_core.faces.tracks import BEST_FACES, FollowedFace, Track, best_faces, follow
from autotag_core.frames.decode import KeptFrame


class FaceLooker(FrameKeeper):
    """The networks, loaded once. Several threads may look at once."""

    def __init__(self, max_frames: int, embedder: Embedder, detector: FaceDetector | None = None) -> None:
        super().__init__(max_frames)
        self.embedder, self._detector = embedder, detector or FaceDetector()
        self.model_version, self.dimension = embedder.model_version, embedder.dimension

    def read(self, kept: Sequence[KeptFrame], with_chips: bool = False) -> tuple[SeenFace, ...]:
        """The faces in what was kept of a file's frames, those in the most frames first."""
        if not kept:
            return ()
        frames, indices = np.stack([one.pixels for one in kept]), [one.index for one in kept]
        found = self.look(frames)
        scale = kept[0].width / frames.shape[2]
        return tuple(_seen(track, vectors, indices, scale, with_chips) for track, vectors in found)

    def look(self, frames: np.ndarray) -> list[tuple[Track, np.ndarray]]:
        """Followed faces in frames (n, height, width, 3) uint8 RGB, each with embeddings (m, 128) of its best ones."""
        followed = [
            FollowedFace(face, chip, sharpness(chip))
            for faces in self._detector.detect(frames)
            for face in faces
            for chip in [self.embedder.chip(frames[face.frame], face)]
        ]
        tracks = follow(followed)
        best = [best_faces(track) for track in tracks]
        embeddings = self.embedder.embed([one.chip for faces in best for one in faces])
        parts = np.split(embeddings, np.cumsum([len(faces) for faces in best])[:-1]) if best else []
        return list(zip(tracks, parts, strict=True))


def _seen(track: Track, embeddings: np.ndarray, indices: list[int], scale: float, with_chip: bool) -> SeenFace:
    faces = [one.face for one in track]
    return SeenFace(
        tuple(indices[face.frame] for face in faces),
        np.array([face.box for face in faces], np.float32) * scale,
        np.array([face.landmarks for face in faces], np.float32) * scale,
        np.array([face.score for face in faces], np.float32),
        np.array([one.sharpness for one in track], np.float32),
        embeddings,
        max(track, key=lambda one: one.quality).chip if with_chip else None,
    )


@functools.lru_cache(maxsize=2)
def load_looker(max_frames: int, model: str | None = None) -> FaceLooker:
    """The networks in memory, once per process. Errors and `model`: load_embedder."""
    return FaceLooker(max_frames, load_embedder(model))


def looker_version(looker: FaceLooker) -> str:
    """Names the networks and how many frames are looked at: a GIF's faces depend on nothing else but its frames."""
    return f"{looker.model_version}-{CROWD_PIXELS}-{looker.max_frames}-{BEST_FACES}"
