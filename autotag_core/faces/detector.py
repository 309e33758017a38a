"""Finds faces in frames: MTCNN (Zhang et al. 2016), with the weights and code of facenet-pytorch."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from autotag_core.faces.face_networks import FaceNetworks

MIN_SHARE, MIN_PIXELS = 0.2, 12
"""The smallest face: this share of the frame's shorter side, and at least so many pixels, as published."""
CROWD_PIXELS = 36
"""A face of so many pixels is found in any frame. A fifth of a large frame would leave out all of a group of ten."""
SEARCHED_SIDE = 360
"""Pixels of the shorter side in which faces are searched. The smallest face then has a tenth of it."""
BATCH = 20
"""Frames that are searched at once."""
MAX_FACES = 32
"""Of a frame: the surest ones. A crowd's faces are too small to be named."""


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a frame."""

    frame: int
    """Place among the frames that were searched."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels of that frame. It may reach over the frame's edge."""
    score: float
    """How sure the last network is, 0 to 1."""
    landmarks: np.ndarray
    """(5, 2): eyes, nose, corners of the mouth, pixels."""

    @property
    def size(self) -> float:
        """Pixels, the mean of the box's sides."""
        left, top, right, bottom = self.box
        return (right - left + bottom - top) / 2


class FaceDetector:
    """The three networks, loaded once, on the CPU."""

    def __init__(self) -> None:
        self._networks = FaceNetworks()

    def detect(self, frames: np.ndarray) -> list[list[Face]]:
        """The faces of each frame (n, height, width, 3) uint8 RGB, surest first, at most MAX_FACES of a frame."""
        height, width = frames.shape[1:3]
        if min(height, width) < MIN_PIXELS:
            return [[] for _ in frames]
        scale = min(1.0, SEARCHED_SIDE / min(height, width))
        if scale < 1:
            size = (round(width * scale), round(height * scale))
            frames = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])
        smallest = max(MIN_PIXELS, min(CROWD_PIXELS, MIN_SHARE * min(frames.shape[1:3])))
        found = [
            one
            for start in range(0, len(frames), BATCH)
            for one in self._networks.search(frames[start : start + BATCH], smallest)
        ]
        return [_faces(at, boxes / [*[scale] * 4, 1], landmarks / scale) for at, (boxes, landmarks) in enumerate(found)]


def _faces(frame: int, boxes: np.ndarray, landmarks: np.ndarray) -> list[Face]:
    order = np.argsort(-boxes[:, 4].astype(np.float64), kind="stable")[:MAX_FACES]
    found = []
    for at in order:
        left, top, right, bottom, score = (float(number) for number in boxes[at])
        found.append(Face(frame, (left, top, right, bottom), score, landmarks[at].astype(np.float32)))
    return found
