"""Paints the frames of a GIF: palettes, transparency, and what is left of broken pixel data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autotag_core.frames.frame_canvas import Area, Frame, FrameCanvas, packed
from autotag_core.frames.gif_blocks import GifFrame
from autotag_core.frames.stills.pixels import strips

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
        indices, painted = decode_indices(self._data, frame)
        indices = indices[: region.shape[0], : region.shape[1]]
        for rows in strips(*region.shape):
            self._paint_rows(frame, region[rows], indices[rows], None if painted is None else painted[rows])
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
