"""The canvas that frames are painted on, and which frames must be painted to see the sampled ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from autotag_core.frames.gif_blocks import GifFrame
from autotag_core.frames.patches import Patch

Frame = GifFrame | Patch
Area = tuple[slice, slice]

_CLEAR, _RESTORE = 2, 3


class Step(NamedTuple):
    """What to do with one frame: `clear` the canvas before it, then `paint` it, or only apply its disposal."""

    frame_index: int
    clear: bool
    paint: bool
    sampled: bool


def plan_frames(
    frames: Sequence[Frame], width: int, height: int, indices: Sequence[int], trust_covers: bool = True
) -> Iterator[Step]:
    """The steps that lead to each sampled frame, ascending.

    A frame that starts on a clean canvas needs none of the frames before it. Nor does a frame that covers the whole
    canvas, if trust_covers. A frame that is not sampled and has disposal 2 or 3 leaves nothing of itself: it is never
    decoded.
    """
    clean = _starts_clean(frames, width, height, trust_covers)
    position = 0
    for sampled in indices:
        start = sampled
        while start > position and not clean[start]:
            start -= 1
        for i in range(start, sampled + 1):
            paint = i == sampled or frames[i].disposal not in (_CLEAR, _RESTORE)
            yield Step(i, clear=clean[i], paint=paint, sampled=i == sampled)
        position = sampled + 1


def _starts_clean(frames: Sequence[Frame], width: int, height: int, trust_covers: bool) -> list[bool]:
    """For each frame, whether what was on the canvas before it can be forgotten."""
    starts: list[bool] = []
    clean = True
    for frame in frames:
        full = frame.left == frame.top == 0 and frame.width >= width and frame.height >= height
        # a frame that puts back what it covered cannot forget it
        starts.append(clean or (trust_covers and full and frame.opaque and frame.disposal != _RESTORE))
        clean = (frame.disposal == _CLEAR and (clean or full)) or (frame.disposal == _RESTORE and clean)
    return starts


class FrameCanvas:
    """A canvas with its frames' disposals. Every pixel always has a colour: what is cleared gets the background's."""

    def __init__(self, width: int, height: int, background: tuple[int, int, int]) -> None:
        self._background = packed(np.array([background], dtype=np.uint8))[0]
        self._canvas = np.full((height, width), self._background, dtype=np.uint32)
        self._clean = True
        self._dispose: tuple[Area, NDArray[np.uint32] | np.uint32] | None = None
        self._clean_after = False

    def pixels(self) -> NDArray[np.uint8]:
        """The canvas itself, not a copy: (height, width, 4), R, G, B, 255."""
        return self._canvas.view(np.uint8).reshape(*self._canvas.shape, 4)

    def clear(self) -> None:
        """Make every pixel the background colour."""
        self._dispose = None
        if not self._clean:
            self._canvas.fill(self._background)
            self._clean = True

    def skip(self, frame: Frame) -> None:
        """Leave what a frame with disposal 2 or 3 leaves behind, without painting it."""
        self._apply_disposal()
        if frame.disposal == _CLEAR:
            self._canvas[area_of(frame)] = self._background

    def paint(self, frame: Frame) -> tuple[int, int]:
        """Dispose of the frame before and paint this one. Gives how many pixels are missing and how many were read."""
        self._apply_disposal()
        area = area_of(frame)
        region = self._canvas[area]
        if frame.disposal == _CLEAR:
            self._dispose = area, self._background
            self._clean_after = self._clean or region.shape == self._canvas.shape
        elif frame.disposal == _RESTORE:
            self._dispose = area, region.copy()
            self._clean_after = self._clean
        if not region.size:
            return 0, 0
        num_missing, num_read = self._paint(frame, area)
        self._clean = self._clean and not num_read
        return num_missing, num_read

    def _paint(self, frame: Frame, area: Area) -> tuple[int, int]:
        raise NotImplementedError

    def _apply_disposal(self) -> None:
        if self._dispose is not None:
            area, content = self._dispose
            self._canvas[area] = content
            self._clean = self._clean_after
            self._dispose = None


def area_of(frame: Frame) -> Area:
    """The part of the canvas that the frame covers."""
    return slice(frame.top, frame.top + frame.height), slice(frame.left, frame.left + frame.width)


def packed(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """(n, 3) RGB as n numbers whose bytes in memory are R, G, B, 255."""
    return np.column_stack([colours, np.full(len(colours), 255, np.uint8)]).view(np.uint32).reshape(-1)
