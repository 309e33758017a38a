"""Makes frames and parts of them smaller: each new pixel is the mean of the pixels under it.

A summed-area table of each frame (Crow 1984) gives any mean from four of its numbers, so a part costs as much as its
result, however large it is. The pixels under a new one are those of torch's `interpolate(mode="area")`.
"""

from __future__ import annotations

import cv2
import numpy as np


class AreaMeans:
    """Of frames (n, height, width, 3) uint8."""

    def __init__(self, frames: np.ndarray) -> None:
        sums = [cv2.integral(np.ascontiguousarray(frame)) for frame in frames]  # (height + 1, width + 1, 3) int32
        self._sums = np.stack(sums).view(np.uint32)  # what overflows comes right in differences below 2**32
        self.sides = frames.shape[1:3]

    def whole(self, height: int, width: int) -> np.ndarray:
        """(n, height, width, 3) float32, of all frames."""
        (top,), (bottom,) = _bins(np.zeros(1, int), np.array(self.sides[:1]), height)
        (left,), (right,) = _bins(np.zeros(1, int), np.array(self.sides[1:]), width)
        by_row = self._sums[:, bottom] - self._sums[:, top]
        return _means(by_row[:, :, right] - by_row[:, :, left], (bottom - top)[:, None] * (right - left))

    def parts(self, frames: np.ndarray, boxes: np.ndarray, side: int) -> np.ndarray:
        """(k, side, side, 3) float32. `frames` (k,) are places of frames, `boxes` (k, 4) left, top, right, bottom.

        Boxes are whole pixels in the frame, without the right and the bottom edge, and not empty.
        """
        left, right = (at[:, None, :] for at in _bins(boxes[:, 0], boxes[:, 2], side))  # (k, 1, side)
        top, bottom = (at[:, :, None] for at in _bins(boxes[:, 1], boxes[:, 3], side))  # (k, side, 1)
        height, width = self._sums.shape[1:3]
        pixels, first = self._sums.reshape(-1, 3), frames[:, None, None] * height
        above, below = (first + top) * width, (first + bottom) * width
        sums = pixels.take(below + right, 0) - pixels.take(above + right, 0)
        sums += pixels.take(above + left, 0) - pixels.take(below + left, 0)
        return _means(sums, (bottom - top) * (right - left))


def _means(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return sums.astype(np.float32) / counts[..., None].astype(np.float32)


def _bins(first: np.ndarray, end: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """(k, count) where each of the new pixels begins and ends between `first` and `end` (k,). Bins may share pixels."""
    sides, steps = (end - first)[:, None], np.arange(count)
    return first[:, None] + steps * sides // count, first[:, None] - (-(steps + 1) * sides // count)
