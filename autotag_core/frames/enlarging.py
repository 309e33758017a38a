"""Enlarges canvases that are smaller than a frame: bilinear, straight into the planes that the model takes.

Loads numba: import it where it is used.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from autotag_core.compiled import compiled


class Axis(NamedTuple):
    """For each position along a frame's side: the two canvas pixels it lies between, and how far along it lies."""

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    weights: NDArray[np.float32]  # 0: `before` alone


def enlarge_into(
    planes: NDArray[np.uint8], pixels: NDArray[np.uint8], resized: tuple[int, int], corner: tuple[int, int]
) -> None:
    """Fill planes (3, size, size) with a canvas (height, width, 4) scaled to `resized`, from `corner` (top, left) on.

    Neither side may get shorter. The result is within one level of torchvision's antialiased bilinear Resize, which
    rounds twice; antialiasing changes nothing when no side gets shorter. Every machine gives the same bits: each step
    is one rounded operation on float32.
    """
    height, width = pixels.shape[:2]
    size = planes.shape[-1]
    packed = pixels.view(np.dtype("<u4"))[..., 0]
    rows, columns = axis(height, resized[0], corner[0], size), axis(width, resized[1], corner[1], size)
    _enlarge(packed, rows, columns, planes)


@functools.lru_cache(maxsize=64)
def axis(source: int, resized: int, start: int, length: int) -> Axis:
    """The positions start .. start + length - 1 of a side of `source` pixels scaled to `resized`.

    A pixel has its colour at its centre. Beyond the outermost centres the outermost colour goes on.
    """
    positions = (np.arange(start, start + length) + 0.5) * (source / resized) - 0.5
    positions = np.clip(positions, 0, source - 1)
    before = positions.astype(np.int64)
    return Axis(before, np.minimum(before + 1, source - 1), (positions - before).astype(np.float32))


@compiled
def _enlarge(packed: NDArray[np.uint32], rows: Axis, columns: Axis, planes: NDArray[np.uint8]) -> None:
    size = len(columns.before)
    # each canvas row is stretched once; a row of the frame needs only two of them, one even and one odd
    stretched = np.empty((2, 3, size), np.float32)
    held = np.full(2, -1)
    left, right = np.empty(size, np.int32), np.empty(size, np.int32)
    half = np.float32(0.5)
    for y in range(len(rows.before)):
        above, below, weight = rows.before[y], rows.after[y], rows.weights[y]
        for row in (above, below):
            if held[row & 1] != row:
                _stretch(packed[row], columns, left, right, stretched[row & 1])
                held[row & 1] = row
        upper, lower = stretched[above & 1], stretched[below & 1]
        for plane in range(3):
            for x in range(size):
                value = upper[plane, x] + (lower[plane, x] - upper[plane, x]) * weight
                planes[plane, y, x] = np.uint8(np.int32(value + half))


@compiled
def _stretch(
    row: NDArray[np.uint32],
    columns: Axis,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    stretched: NDArray[np.float32],
) -> None:
    before, after, weights = columns
    for x in range(len(before)):  # apart from the arithmetic, which can then be vectorised
        left[x], right[x] = row[before[x]], row[after[x]]
    for plane in range(3):
        for x in range(len(before)):
            near = np.float32((left[x] >> (8 * plane)) & 0xFF)
            far = np.float32((right[x] >> (8 * plane)) & 0xFF)
            stretched[plane, x] = near + (far - near) * weights[x]
