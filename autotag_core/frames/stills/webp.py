"""WebP: its canvas, frames and orientation from its chunks, and the pixels of each frame by itself.

Pillow would allocate the canvas to tell its size, and gives up all frames where one is broken.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from PIL import Image, WebPImagePlugin

from autotag_core.frames.gif_blocks import MAX_COUNTED_FRAMES, shown_ms
from autotag_core.frames.patches import Patch
from autotag_core.frames.stills.orientation import UPRIGHT, read_orientation
from autotag_core.frames.stills.pixels import Picture, as_rgba, num_equal_rows

_ANIMATED, _HAS_ALPHA = 0x02, 0x10
_DISPOSE, _NO_BLEND = 0x01, 0x02
_ANMF_SIZE = 16


@dataclass(frozen=True)
class WebpFile:
    """A WebP's canvas in pixels and its pictures: the whole frames of an animation, or the one still picture."""

    width: int
    height: int
    orientation: int
    is_animated: bool
    pictures: tuple[Patch, ...]
    truncated: bool


class _Chunk(NamedTuple):
    name: bytes
    start: int
    length: int  # of the body, as written
    end: int  # of the body; at most the end of what is walked

    @property
    def is_whole(self) -> bool:
        return self.end - self.start == self.length


def read_webp(data: bytes) -> WebpFile | None:
    """The frames of a file that starts with RIFF....WEBP. None where no canvas size is found. Never raises."""
    size: tuple[int, int] | None = None
    animated, orientation = False, UPRIGHT
    frames: list[Patch] = []
    file_end = 8 + int.from_bytes(data[4:8], "little")
    position = 12
    for chunk in _chunks(data, 12, min(len(data), file_end)):
        if size is None:
            size, animated = _canvas(chunk.name, data[chunk.start : min(chunk.start + _ANMF_SIZE, chunk.end)])
        if not chunk.is_whole or len(frames) >= MAX_COUNTED_FRAMES:
            break
        if chunk.name == b"ANMF" and chunk.length >= _ANMF_SIZE:
            frames.append(_frame(data, chunk))
        elif chunk.name == b"EXIF" and orientation == UPRIGHT:
            orientation = read_orientation(data[chunk.start : chunk.end])
        position = chunk.end + chunk.length % 2
    if size is None:
        return None
    still = Patch(0, 0, *size, parts=((12, min(len(data), file_end)),))
    return WebpFile(
        *size,
        UPRIGHT if animated else orientation,
        animated,
        tuple(frames) if animated else (still,),
        truncated=position < file_end,
    )


def decode_webp(data: bytes, patch: Patch) -> Picture | None:
    """One frame, before its orientation; None where nothing of it can be read.

    Pixel data that is cut is filled up in two ways. Rows that do not depend on the filling are in the file.
    """
    [(start, end)] = patch.parts
    found = _picture_chunks(data, start, end)
    if found is None or _canvas(found[-1].name, data[found[-1].start : found[-1].start + 10])[0] != patch[2:4]:
        return None
    image = _decode(_as_file(data, found, patch, b"\0"))
    if image is None or image.size != patch[2:4]:
        return None
    if found[-1].is_whole:
        return Picture(as_rgba(image), 0)
    other = _decode(_as_file(data, found, patch, b"\x5a\xc3\x99"))
    if other is None or other.size != image.size:
        return None
    num_rows = num_equal_rows(image, other)
    if num_rows == 0:
        return None
    pixels = as_rgba(image)
    pixels[num_rows:] = 0
    return Picture(pixels, max(1, pixels[num_rows:, :, 0].size))


def _chunks(data: bytes, position: int, end: int) -> Iterator[_Chunk]:
    while position + 8 <= end:
        name, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        yield _Chunk(name, position + 8, length, min(position + 8 + length, end))
        position += 8 + length + length % 2


def _canvas(name: bytes, body: bytes) -> tuple[tuple[int, int] | None, bool]:
    """Width and height in pixels and whether the file is animated, from the first chunk (RFC 9649, 2.5 to 2.7)."""
    if name == b"VP8X" and len(body) >= 10:
        width, height = (1 + int.from_bytes(body[i : i + 3], "little") for i in (4, 7))
        return (width, height), bool(body[0] & _ANIMATED)
    if name == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        width, height = (int.from_bytes(body[i : i + 2], "little") & 0x3FFF for i in (6, 8))
        return (width, height), False
    if name == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        return (1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)), False
    return None, False


def _frame(data: bytes, chunk: _Chunk) -> Patch:
    numbers = [int.from_bytes(data[i : i + 3], "little") for i in range(chunk.start, chunk.start + 15, 3)]
    flags = data[chunk.start + 15]
    has_no_alpha = data[chunk.start + _ANMF_SIZE : chunk.start + _ANMF_SIZE + 4] == b"VP8 "
    return Patch(
        2 * numbers[0],
        2 * numbers[1],
        1 + numbers[2],
        1 + numbers[3],
        disposal=2 if flags & _DISPOSE else 1,
        replaces=bool(flags & _NO_BLEND) or has_no_alpha,
        delay_ms=shown_ms(numbers[4]),
        parts=((chunk.start + _ANMF_SIZE, chunk.end),),
    )


def _picture_chunks(data: bytes, start: int, end: int) -> list[_Chunk] | None:
    """The chunk of the colours, the last one, and before it that of their alpha, if there is one."""
    found: list[_Chunk] = []
    for chunk in _chunks(data, start, end):
        if chunk.name in (b"VP8 ", b"VP8L"):
            return [*found, chunk]
        if chunk.name == b"ALPH" and chunk.is_whole:
            found = [chunk]
    return None


def _as_file(data: bytes, chunks: list[_Chunk], patch: Patch, filling: bytes) -> bytes:
    """A WebP of this picture alone. Where its data is cut, `filling` goes on, long enough for any picture."""
    body = b""
    if len(chunks) > 1:
        size = (patch.width - 1).to_bytes(3, "little") + (patch.height - 1).to_bytes(3, "little")
        body = b"VP8X" + struct.pack("<II", 10, _HAS_ALPHA) + size
    for name, start, length, end in chunks:
        content = data[start:end]
        if end - start < length:
            content += filling * (patch.width * patch.height // 4 + 4096)
        body += name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def _decode(file: bytes) -> Image.Image | None:
    try:
        image = WebPImagePlugin.WebPImageFile(io.BytesIO(file))
        image.load()
        del image._decoder  # it holds two canvases
    except MemoryError:
        raise
    except Exception:  # Pillow raises errors of many classes on broken files, none of them its own
        return None
    return image
