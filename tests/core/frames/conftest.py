"""A GIF writer and a compositor, both written from the GIF89a text alone: the oracle of the decoder's tests."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest

GREY_RAMP = tuple((i, i, i) for i in range(256))


@dataclass(frozen=True)
class Frame:
    """One frame as it is written: palette indices, offsets in pixels, delay in hundredths of a second."""

    indices: tuple[tuple[int, ...], ...]
    left: int = 0
    top: int = 0
    disposal: int = 0
    transparent: int | None = None
    delay: int = 10
    palette: tuple[tuple[int, int, int], ...] | None = None
    interlaced: bool = False


def write_gif(frames, size, palette=None, trailer=True):
    """The bytes of a GIF89a with these frames on a screen of size (width, height)."""
    out = bytearray(b"GIF89a" + struct.pack("<HH", *size))
    out += bytes([_palette_flags(palette), 0, 0]) + _palette_bytes(palette)
    for frame in frames:
        flags = frame.disposal << 2 | (frame.transparent is not None)
        out += b"\x21\xf9\x04" + struct.pack("<BHB", flags, frame.delay, frame.transparent or 0) + b"\0"
        out += b"\x2c" + struct.pack("<HHHH", frame.left, frame.top, len(frame.indices[0]), len(frame.indices))
        out += bytes([_palette_flags(frame.palette) | 0x40 * frame.interlaced]) + _palette_bytes(frame.palette)
        rows = list(frame.indices)
        if frame.interlaced:
            rows = rows[0::8] + rows[4::8] + rows[2::4] + rows[1::2]
        pixels = [index for row in rows for index in row]
        code_size = max(2, max(pixels).bit_length())
        data = lzw(pixels, code_size)
        out += bytes([code_size])
        for start in range(0, len(data), 255):
            block = data[start : start + 255]
            out += bytes([len(block)]) + block
        out += b"\0"
    return bytes(out) + (b"\x3b" if trailer else b"")


def _palette_flags(palette):
    return 0 if palette is None else 0x80 | max(0, (len(palette) - 1).bit_length() - 1)


def _palette_bytes(palette):
    if palette is None:
        return b""
    padded = list(palette) + [(0, 0, 0)] * ((2 << (_palette_flags(palette) & 7)) - len(palette))
    return bytes(channel for colour in padded for channel in colour)


def lzw(pixels, code_size):
    """GIF's LZW: codes grow from code_size + 1 to 12 bits, first clear, last end."""
    clear = 1 << code_size
    bits, num_bits = 0, 0
    out = bytearray()

    def reset():
        return {(i,): i for i in range(clear)}, clear + 2, code_size + 1

    def emit(code, width):
        nonlocal bits, num_bits
        bits |= code << num_bits
        num_bits += width
        while num_bits >= 8:
            out.append(bits & 255)
            bits >>= 8
            num_bits -= 8

    table, free, width = reset()
    emit(clear, width)
    run = ()
    for pixel in pixels:
        if (*run, pixel) in table:
            run = (*run, pixel)
            continue
        emit(table[run], width)
        table[(*run, pixel)] = free
        width += free == 1 << width
        free += 1
        if free == 4096:
            emit(clear, width)
            table, free, width = reset()
        run = (pixel,)
    emit(table[run], width)
    # the decoder adds one more entry on reading that code
    width += free == 1 << width and width < 12
    emit(clear + 1, width)
    out.append(bits & 255)
    return bytes(out)


def expected_canvases(frames, size, palette=None, background=(255, 255, 255)):
    """What a browser shows of each frame, (height, width, 3) uint8, pixel by pixel."""
    width = max(size[0], frames[0].left + len(frames[0].indices[0]))
    height = max(size[1], frames[0].top + len(frames[0].indices))
    canvas = {}  # (x, y) -> colour; a pixel that is not in it is transparent
    shown = []
    for frame in frames:
        colours = frame.palette or palette or GREY_RAMP
        before = dict(canvas)
        covered = []
        for y, row in enumerate(frame.indices, start=frame.top):
            for x, index in enumerate(row, start=frame.left):
                covered.append((x, y))
                if index != frame.transparent and x < width and y < height:
                    canvas[x, y] = colours[index]
        picture = np.full((height, width, 3), background, dtype=np.uint8)
        for (x, y), colour in canvas.items():
            picture[y, x] = colour
        shown.append(picture)
        if frame.disposal == 2:
            canvas = {place: colour for place, colour in canvas.items() if place not in set(covered)}
        elif frame.disposal in (3, 4):
            canvas = before
    return shown


def colours_gif(num_frames, delay=10):
    """A 2 x 2 GIF whose frame i is the grey 10 i."""
    frames = [Frame(((i, i), (i, i)), delay=delay) for i in range(num_frames)]
    return write_gif(frames, (2, 2), tuple((10 * i,) * 3 for i in range(max(2, num_frames))))


@pytest.fixture(scope="session")
def gif():
    """The oracle: gif.Frame, gif.write(frames, size, palette), gif.expected(frames, size, palette, background)."""
    return SimpleNamespace(Frame=Frame, write=write_gif, expected=expected_canvases, lzw=lzw, colours=colours_gif)


@pytest.fixture(scope="session")
def real_gifs(shared_data):
    """Paths of the real GIF files beside the repository."""
    return sorted(shared_data.glob("*/gifs/*.gif")) + sorted(shared_data.glob("*/full_size/*.gif"))
