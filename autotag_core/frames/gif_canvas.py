"""The canvas that GIF frames are painted on, and which frames must be painted to see the sampled ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autotag_core.frames.gif_blocks import GifFrame

_CLEAR, _RESTORE = 2, 3
_STRIP_PIXELS = 1 << 18
_GREYS = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(256, 3)


class Step(NamedTuple):
    """What to do with one frame: `clear` the canvas before it, then `paint` it, or only apply its disposal."""

    frame_index: int
    clear: bool
    paint: bool
    sampled: bool


def plan_frames(
    frames: Sequence[GifFrame], width: int, height: int, indices: Sequence[int], trust_covers: bool = True
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


def _starts_clean(frames: Sequence[GifFrame], width: int, height: int, trust_covers: bool) -> list[bool]:
    """For each frame, whether what was on the canvas before it can be forgotten."""
    starts: list[bool] = []
    clean = True
    for frame in frames:
        full = frame.left == frame.top == 0 and frame.width >= width and frame.height >= height
        # a frame that puts back what it covered cannot forget it
        starts.append(clean or (trust_covers and full and frame.opaque and frame.disposal != _RESTORE))
        clean = (frame.disposal == _CLEAR and (clean or full)) or (frame.disposal == _RESTORE and clean)
    return starts


class GifCanvas:
    """A GIF's canvas. Every pixel always has a colour: clearing to transparent gives the background colour."""

    def __init__(self, data: bytes, width: int, height: int, background: tuple[int, int, int]) -> None:
        self._data = memoryview(data)
        self._background = _packed(np.array([background], dtype=np.uint8))[0]
        self._canvas = np.full((height, width), self._background, dtype=np.uint32)
        self._clean = True
        self._tables: dict[tuple[tuple[int, int], int | None], NDArray[np.uint32]] = {}
        self._dispose: tuple[tuple[slice, slice], NDArray[np.uint32] | np.uint32] | None = None
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

    def skip(self, frame: GifFrame) -> None:
        """Leave what a frame with disposal 2 or 3 leaves behind, without painting it."""
        self._apply_disposal()
        if frame.disposal == _CLEAR:
            self._canvas[self._area(frame)] = self._background

    def paint(self, frame: GifFrame) -> tuple[int, int]:
        """Dispose of the frame before and paint this one. Gives how many pixels are missing and how many were read."""
        self._apply_disposal()
        area = self._area(frame)
        region = self._canvas[area]
        if frame.disposal == _CLEAR:
            self._dispose = area, self._background
            self._clean_after = self._clean or region.shape == self._canvas.shape
        elif frame.disposal == _RESTORE:
            self._dispose = area, region.copy()
            self._clean_after = self._clean
        if not region.size:
            return 0, 0
        indices, painted = decode_indices(self._data, frame)
        indices = indices[: region.shape[0], : region.shape[1]]
        for rows in strips(*region.shape):
            self._paint_rows(frame, region[rows], indices[rows], None if painted is None else painted[rows])
        self._clean = False
        if painted is None:
            return 0, frame.width * frame.height
        num_painted = int(np.count_nonzero(painted))
        return painted.size - num_painted, num_painted

    def _paint_rows(
        self, frame: GifFrame, region: NDArray[np.uint32], indices: NDArray[np.uint8], painted: NDArray[np.bool_] | None
    ) -> None:
        table = self._table(frame)
        if painted is None and (self._clean or frame.opaque):
            np.take(table, indices, out=region, mode="clip")
            return
        mask = self._mask(frame, indices)
        if painted is not None:
            mask &= painted[:, : region.shape[1]]
        np.copyto(region, table[indices], where=mask)

    def _apply_disposal(self) -> None:
        if self._dispose is not None:
            area, content = self._dispose
            self._canvas[area] = content
            self._clean = self._clean_after
            self._dispose = None

    def _area(self, frame: GifFrame) -> tuple[slice, slice]:
        """The part of the canvas that the frame covers."""
        return slice(frame.top, frame.top + frame.height), slice(frame.left, frame.left + frame.width)

    def _table(self, frame: GifFrame) -> NDArray[np.uint32]:
        """Packed colour of each of 256 indices. Indices that are transparent or past the palette get the background."""
        key = (frame.palette, frame.transparent)
        table = self._tables.get(key)
        if table is None:
            offset, num_colours = frame.palette
            if num_colours:
                colours = np.frombuffer(self._data, np.uint8, 3 * num_colours, offset).reshape(num_colours, 3)
            else:
                colours = _GREYS
            table = np.full(256, self._background, dtype=np.uint32)
            table[: len(colours)] = _packed(colours)
            if frame.transparent is not None:
                table[frame.transparent] = self._background
            self._tables[key] = table
        return table

    def _mask(self, frame: GifFrame, indices: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which pixels have a colour: not those of the transparent index nor, as in browsers, past the palette."""
        mask = np.ones(indices.shape, bool) if frame.transparent is None else indices != frame.transparent
        if frame.palette[1] and 1 << frame.min_code_size > frame.palette[1]:
            mask &= indices < frame.palette[1]
        return mask


def strips(height: int, width: int) -> Iterator[slice]:
    """The rows of a picture in pieces of about _STRIP_PIXELS, so steps that take many bytes a pixel take few in all."""
    num_rows = max(1, _STRIP_PIXELS // max(1, width))
    for top in range(0, height, num_rows):
        yield slice(top, min(top + num_rows, height))


def decode_indices(data: memoryview, frame: GifFrame) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """Palette indices of a frame, (height, width), rows in order of display, by Pillow's LZW decoder.

    The second value says which pixels were read, or is None where all were. The others are broken, or past the end of
    the data.
    """
    blocks = data[frame.start : frame.end] if frame.whole else _with_terminator(data[frame.start : frame.end])
    arguments = (frame.min_code_size, int(frame.interlaced), -1)
    image = Image.new("L", (frame.width, frame.height), None)
    try:
        image.frombytes(blocks, "gif", arguments)
        return np.asarray(image), None
    except ValueError:
        pass
    # pixels that were not written keep the fill; every fill is also a palette index, so decode with two fills
    pair = []
    for fill in (0, 255):
        image = Image.new("L", (frame.width, frame.height), fill)
        try:
            image.frombytes(blocks, "gif", arguments)
        except ValueError:
            pair.append(np.asarray(image))
    return pair[0], pair[0] == pair[1]


def _with_terminator(blocks: memoryview) -> bytes:
    """Sub-blocks with the last, cut one made whole: its length says what is there, and an empty sub-block follows."""
    position = last = 0
    while position < len(blocks):
        last, position = position, position + blocks[position] + 1
    fixed = bytearray(blocks)
    fixed[last] = len(blocks) - last - 1
    return bytes(fixed) + b"\0"


def _packed(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """(n, 3) RGB as n numbers whose bytes in memory are R, G, B, 255."""
    return np.column_stack([colours, np.full(len(colours), 255, np.uint8)]).view(np.uint32).reshape(-1)
