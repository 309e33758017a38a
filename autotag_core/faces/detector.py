"""Finds faces in frames: MTCNN (Zhang et al. 2016), with the weights and code of facenet-pytorch."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch

THRESHOLDS, SCALE_FACTOR = (0.6, 0.7, 0.7), 0.709
"""Scores that pass each of the three networks, and steps of the image pyramid, as published (celeb-detection-oss)."""
MIN_SHARE, MIN_PIXELS = 0.2, 12
"""The smallest face: this share of the frame's shorter side, at least so many pixels, as published."""
SEARCHED_SIDE = 360
"""Pixels of the shorter side in which faces are searched: the smallest face then has 72."""
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
        from facenet_pytorch import MTCNN

        self._networks = MTCNN(device="cpu")

    def detect(self, frames: np.ndarray) -> list[list[Face]]:
        """The faces of each frame (n, height, width, 3) uint8 RGB, surest first, at most MAX_FACES of a frame."""
        height, width = frames.shape[1:3]
        if min(height, width) < MIN_PIXELS:
            return [[] for _ in frames]
        scale = min(1.0, SEARCHED_SIDE / min(height, width))
        if scale < 1:
            size = (round(width * scale), round(height * scale))
            frames = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])
        found: list[list[Face]] = []
        for start in range(0, len(frames), BATCH):
            found += self._batch(frames[start : start + BATCH], start, scale)
        return found

    def _batch(self, frames: np.ndarray, start: int, scale: float) -> list[list[Face]]:
        try:
            boxes, landmarks = self._found(frames)
        except (IndexError, RuntimeError, ValueError):  # candidates beyond the edge: a known fault of the library
            if len(frames) == 1:
                return [[]]
            return [self._batch(frames[at : at + 1], start + at, scale)[0] for at in range(len(frames))]
        return [
            _faces(start + at, boxes[at] / [*[scale] * 4, 1], landmarks[at] / scale) if len(boxes[at]) else []
            for at in range(len(frames))
        ]

    def _found(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Boxes with scores (k, 5) and landmarks (k, 5, 2) of each frame."""
        from facenet_pytorch.models.utils.detect_face import detect_face

        networks = self._networks
        smallest = max(MIN_PIXELS, MIN_SHARE * min(frames.shape[1:3]))
        with torch.inference_mode():
            boxes, landmarks = detect_face(
                frames, smallest, networks.pnet, networks.rnet, networks.onet, THRESHOLDS, SCALE_FACTOR, "cpu"
            )
        return boxes, landmarks


def _faces(frame: int, boxes: np.ndarray, landmarks: np.ndarray) -> list[Face]:
    order = np.argsort(-boxes[:, 4].astype(np.float64), kind="stable")[:MAX_FACES]
    found = []
    for at in order:
        left, top, right, bottom, score = (float(number) for number in boxes[at])
        found.append(Face(frame, (left, top, right, bottom), score, landmarks[at].astype(np.float32)))
    return found
