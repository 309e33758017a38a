"""What is kept of a file's frames to look for faces: they are smaller than what the experts look at."""

from __future__ import annotations

import cv2
import numpy as np

from autotag_core.frames.stills.pixels import Pixels

MAX_SIDE = 720
"""Pixels of a frame's longer side. A larger frame is made smaller: its faces are still larger than what is embedded."""


class FrameKeeper:
    """Keeps at most `max_frames` of a file's frames."""

    def __init__(self, max_frames: int) -> None:
        self.max_frames = max_frames

    def keep(self, canvas: Pixels) -> Pixels:
        """A copy of the canvas in RGB whose longer side has at most MAX_SIDE pixels."""
        scale = MAX_SIDE / max(canvas.shape[:2])
        if scale >= 1:
            return canvas[..., :3].copy()
        size = tuple(max(1, round(side * scale)) for side in canvas.shape[1::-1])
        return cv2.resize(canvas[..., :3], size, interpolation=cv2.INTER_AREA).astype(np.uint8)
