"""Paints the frames of a GIF: palettes, transparency, and what is left of broken pixel data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autotag_core.frames.frame_canvas import Area, Frame, FrameCanvas, packed
from autotag_core.frames.gif_blocks import GifFrame
from autotag_core.frames.stills.pixels import strips

_INTERLACE = 8  # rows between those of the first pass
_GREYS = np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(256, 3)


class GifCanvas(FrameCanvas):
    """A GIF's canvas."""

    def __init__(self, data: bytes, width: int, height: int, background: tuple[int, int, int]) -> None:
        super().__init__(width, height, background)
        self._data = memoryview(data)
        self._tables: dict[tuple[tuple[int, int], int | None], NDArray[np.uint32]] = {}

    def _paint(self, frame: Frame, area: Area) -> tuple[int, int]:
        assert isinstance(frame, GifFrame)
        region = self._canvas[area]
        decoded = decode_indices(self._data, frame, region.shape, self._canvas.size)
        indices, painted = decoded.indices, decoded.painted
        for rows in strips(*region.shape):
            self._paint_rows(frame, region[rows], indices[rows], None if painted is None else painted[rows])
        return decoded.num_missing, region.size - decoded.num_missing

    def _paint_rows(
        self, frame: GifFrame, region: NDArray[np.uint32], indices: NDArray[np.uint8], painted: NDArray[np.bool_] | None
    ) -> None:
        table = self._table(frame)
        if painted is None and (self._clean or frame.opaque):
            np.take(table, indices, out=region, mode="clip")
            return
        mask = self._mask(frame, indices)
        if painted is not None:
            mask &= painted
        np.copyto(region, table[indices], where=mask)

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
            table[: len(colours)] = packed(colours)
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


class Indices(NamedTuple):
    """Palette indices of what shows of a frame. `painted` says which pixels have one, None: all."""

    indices: NDArray[np.uint8]  # (height, width), rows in order of display
    painted: NDArray[np.bool_] | None
    num_missing: int = 0  # broken, or past the end of the data; a row above may stand in for them


def decode_indices(data: memoryview, frame: GifFrame, shape: tuple[int, ...], canvas_pixels: int) -> Indices:
    """The top left (height, width) of a frame, that which lies on a canvas of so many pixels, by Pillow's LZW decoder.

    A frame far larger than its canvas is decoded in as many rows as memory for the canvas allows (decoded_rows). Of an
    interlaced frame that is cut, each row stands in for the rows below it that were to come later, as in browsers.
    """
    height, width = shape
    blocks = data[frame.start : frame.end] if frame.whole else _with_terminator(data[frame.start : frame.end])
    num_rows = frame.decoded_rows(height, canvas_pixels)
    wanted = frame.height if frame.interlaced else height
    if num_rows == wanted:
        image, is_whole = _decode(blocks, frame, num_rows, None, frame.interlaced)
        if is_whole:
            return Indices(np.asarray(image)[:height, :width], None)
    # pixels that were not written keep the fill; every fill is also a palette index, so decode with two fills
    pair = [np.asarray(_decode(blocks, frame, num_rows, fill, False)[0])[:, :width] for fill in (0, 255)]
    places = _places(frame, num_rows)
    shown = places < height
    indices, painted = np.zeros((height, width), np.uint8), np.zeros((height, width), bool)
    indices[places[shown]] = pair[0][shown]
    painted[places[shown]] = (pair[0] == pair[1])[shown]
    num_missing = painted.size - int(np.count_nonzero(painted))
    if frame.interlaced:
        _repeat_downwards(indices, painted)
    return Indices(indices, painted, num_missing)


def _decode(
    blocks: memoryview | bytes, frame: GifFrame, num_rows: int, fill: int | None, interlaced: bool
) -> tuple[Image.Image, bool]:
    """The first rows of a frame, and whether all of them were there."""
    image = Image.new("L", (frame.width, num_rows), fill)
    try:
        image.frombytes(blocks, "gif", (frame.min_code_size, int(interlaced), -1))
    except ValueError:
        return image, False
    return image, True


def _places(frame: GifFrame, num_rows: int) -> NDArray[np.int64]:
    """In which row of the frame each of the first stored rows is shown."""
    if not frame.interlaced:
        return np.arange(num_rows)
    passes = ((0, 8), (4, 8), (2, 4), (1, 2))
    return np.concatenate([np.arange(first, frame.height, step) for first, step in passes])[:num_rows]


def _repeat_downwards(indices: NDArray[np.uint8], painted: NDArray[np.bool_]) -> None:
    """Fill pixels that were not read with the nearest above them that was, at most 7 rows up, and mark them painted."""
    age = np.where(painted[0], 0, _INTERLACE)
    for y in range(1, len(indices)):
        age = np.where(painted[y], 0, age + 1)
        is_repeated = (age > 0) & (age < _INTERLACE)
        np.copyto(indices[y], indices[y - 1], where=is_repeated)
        painted[y] |= is_repeated


def _with_terminator(blocks: memoryview) -> bytes:
    """Sub-blocks with the last, cut one made whole: its length says what is there, and an empty sub-block follows."""
    position = last = 0
    while position < len(blocks):
        last, position = position, position + blocks[position] + 1
    fixed = bytearray(blocks)
    fixed[last] = len(blocks) - last - 1
    return bytes(fixed) + b"\0"
