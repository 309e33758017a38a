"""A file's frames at their own resolution: faces are smaller than what the experts look at."""

from __future__ import annotations

import cv2
import numpy as np

from autotag_core.config import FramesConfig
from autotag_core.frames.decode import Keep
from autotag_core.frames.load import decode_checked
from autotag_core.frames.stills.pixels import Pixels

MAX_FRAMES = 20
"""Frames of a GIF that are searched for faces, as published (celeb-detection-oss)."""
MAX_SIDE = 720
"""Pixels of a frame's longer side. A larger frame is made smaller: its faces are still larger than what is embedded."""


def face_frames(data: bytes, config: FramesConfig, max_frames: int = MAX_FRAMES) -> np.ndarray:
    """The file's sampled frames (n, height, width, 3) uint8 RGB, evenly over the playing time, n <= max_frames.

    ItemError as for the night's frames: the same limits hold.
    """
    config = config.model_copy(update={"num_frames": max_frames, "sampling": "time"})
    _, decoded = decode_checked(data, config, lambda indices: Keep(frozenset(indices), smaller))
    return np.stack(decoded.kept)


def smaller(canvas: Pixels) -> Pixels:
    """A copy of the canvas in RGB whose longer side has at most MAX_SIDE pixels."""
    scale = MAX_SIDE / max(canvas.shape[:2])
    if scale >= 1:
        return canvas[..., :3].copy()
    size = tuple(max(1, round(side * scale)) for side in canvas.shape[1::-1])
    return cv2.resize(canvas[..., :3], size, interpolation=cv2.INTER_AREA).astype(np.uint8)
