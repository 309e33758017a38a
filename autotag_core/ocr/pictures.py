"""Pictures as OCR takes them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def shrunk(pixels: Pixels, max_side: int) -> Pixels:
    """The picture with its longer side at most max_side, averaged over areas; unchanged where it is small enough."""
    import cv2

    height, width = pixels.shape[:2]
    longer = max(height, width)
    if longer <= max_side:
        return pixels
    size = max(1, width * max_side // longer), max(1, height * max_side // longer)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
