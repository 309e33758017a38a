"""The blocks of a GIF file, found without decoding a pixel: canvas, palettes, and where each frame's data lies."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import NamedTuple

MAX_COUNTED_FRAMES = 100_000
"""A walk stops here, so that a hostile file cannot make a list of millions of empty frames."""
SHOWN_FOR_NO_DELAY_MS = 100
DECODED_ANYWAY = 1 << 22
"""Pixels of a frame that are decoded on however small a canvas."""
MAX_GROWN = 50_000_000
"""Canvas pixels to which a first frame that is larger than the screen can grow it; past them it is clipped."""

_SCREEN = struct.Struct("<6sHHBBB")
_FRAME = struct.Struct("<HHHHB")
_NOT_ZERO = re.compile(rb"[^\0]")
_EXTENSION, _IMAGE, _TRAILER, _GRAPHIC_CONTROL = 0x21, 0x2C, 0x3B, 0xF9


class GifFrame(NamedTuple):
    """One image block. left, top, width and height are in pixels, as written: it can lie outside the canvas."""

    left: int
    top: int
    width: int
    height: int
    disposal: int  # 0 and 1 keep, 2 clear the frame's area, 3 put back what was there
    transparent: int | None  # palette index
    delay_ms: int
    interlaced: bool
    palette: tuple[int, int]  # offset in the file and number of colours; 0 colours: the file has no palette for it
    min_code_size: int
    start: int  # offset of the first sub-block
    end: int  # offset after the last one
    whole: bool  # the terminating empty sub-block is there

    @property
    def opaque(self) -> bool:
        """Whether every pixel gets a colour: no index is transparent or past the palette, and the data is not cut.

        This is what the blocks tell. Data that ends early inside whole blocks is found only when it is decoded.
        """
        past_palette = 0 < self.palette[1] < 1 << self.min_code_size
        return self.whole and self.transparent is None and not past_palette

    def decoded_rows(self, height: int, canvas_pixels: int) -> int:
        """How many stored rows are decoded to show `height` rows of it: those, or all where they are interlaced.

        A frame can claim to be 65,535 x 65,535 on any canvas. The rows are cut so that they have at most twice the
        canvas' pixels, or DECODED_ANYWAY.
        """
        wanted = self.height if self.interlaced else height
        return min(wanted, max(2 * canvas_pixels, DECODED_ANYWAY) // max(1, self.width))

    def decoded_pixels(self, width: int, height: int) -> int:
        """How many of its pixels are decoded for a canvas of this size."""
        shown = max(0, min(self.height, height - self.top)) if self.left < width else 0
        return self.width * self.decoded_rows(shown, width * height) if shown else 0


@dataclass(frozen=True)
class GifBlocks:
    """A GIF's canvas and frames. `truncated`: the file ends, or stops making sense, before its trailer."""

    width: int
    height: int
    frames: tuple[GifFrame, ...]
    truncated: bool


class _GraphicControl(NamedTuple):
    disposal: int = 0
    transparent: int | None = None
    delay_ms: int = SHOWN_FOR_NO_DELAY_MS


def shown_ms(delay_ms: int) -> int:
    """How long browsers show a frame of this delay. Chrome, Firefox and Safari show 10 ms or less for 100 ms."""
    return delay_ms if delay_ms > 10 else SHOWN_FOR_NO_DELAY_MS


def read_gif_blocks(data: bytes) -> GifBlocks:
    """The canvas and frames of a file that starts with GIF87a or GIF89a. Never raises; linear in the file's length.

    A frame counts once the first byte of its pixel data is there. Bytes that start no block end the file, as in
    browsers. Zeros are skipped: some encoders write a terminator too many. The canvas is the logical screen, grown to
    hold the first frame where that frame is larger, unless it is absurdly large. Other frames are clipped, as in
    browsers.
    """
    if len(data) < _SCREEN.size:
        return GifBlocks(0, 0, (), truncated=True)
    _, width, height, flags, _, _ = _SCREEN.unpack_from(data)
    palette = _palette(_SCREEN.size, flags)
    position = _after(_SCREEN.size, palette)
    frames: list[GifFrame] = []
    control = _GraphicControl()
    truncated = True
    while position < len(data) and len(frames) < MAX_COUNTED_FRAMES:
        kind = data[position]
        if kind == _EXTENSION:
            if position + 1 < len(data) and data[position + 1] == _GRAPHIC_CONTROL:
                control = _read_graphic_control(data, position + 2) or control
            position, _ = _skip_sub_blocks(data, position + 2)
        elif kind == _IMAGE:
            frame = _read_frame(data, position + 1, palette, control)
            if frame is None:
                break
            frames.append(frame)
            position, control = frame.end, _GraphicControl()
        elif kind == 0:
            position = _skip_zeros(data, position)
        else:
            truncated = kind != _TRAILER
            break
    if frames:
        grown = max(width, frames[0].left + frames[0].width), max(height, frames[0].top + frames[0].height)
        if grown[0] * grown[1] <= MAX_GROWN:
            width, height = grown
    return GifBlocks(width, height, tuple(frames), truncated)


def _palette(position: int, flags: int) -> tuple[int, int]:
    """Offset and number of colours of the palette that the flags announce at this position."""
    return (position, 2 << (flags & 7)) if flags & 0x80 else (0, 0)


def _after(position: int, palette: tuple[int, int]) -> int:
    return position + 3 * palette[1]


def _skip_zeros(data: bytes, position: int) -> int:
    found = _NOT_ZERO.search(data, position)
    return found.start() if found else len(data)


def _skip_sub_blocks(data: bytes, position: int) -> tuple[int, bool]:
    """Position after the chain of sub-blocks, at most the file's length; and whether its terminator was there."""
    end = len(data)
    while position < end:
        size = data[position]
        position += size + 1
        if size == 0:
            return position, True
    return end, False


def _read_graphic_control(data: bytes, position: int) -> _GraphicControl | None:
    """The graphic control block at this position; None where it is cut or too short to be one."""
    if position + 5 > len(data) or data[position] < 4:
        return None
    flags = data[position + 1]
    disposal = (flags >> 2) & 7
    return _GraphicControl(
        # old encoders and browsers take 4 for 3; 5 to 7 mean nothing
        disposal=3 if disposal == 4 else disposal if disposal < 4 else 0,
        transparent=data[position + 4] if flags & 1 else None,
        delay_ms=shown_ms(10 * int.from_bytes(data[position + 2 : position + 4], "little")),
    )


def _read_frame(
    data: bytes, position: int, global_palette: tuple[int, int], control: _GraphicControl
) -> GifFrame | None:
    """The image block whose descriptor starts here; None where the file ends before its first byte of pixel data."""
    if position + _FRAME.size > len(data):
        return None
    left, top, width, height, flags = _FRAME.unpack_from(data, position)
    local_palette = _palette(position + _FRAME.size, flags)
    start = _after(position + _FRAME.size, local_palette) + 1
    if start >= len(data) or (data[start] > 0 and start + 1 >= len(data)):
        return None
    end, whole = _skip_sub_blocks(data, start)
    return GifFrame(
        left,
        top,
        width,
        height,
        control.disposal,
        control.transparent,
        control.delay_ms,
        interlaced=bool(flags & 0x40),
        palette=local_palette if local_palette[1] else global_palette,
        min_code_size=data[start - 1],
        start=start,
        end=end,
        whole=whole,
    )
