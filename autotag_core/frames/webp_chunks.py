"""The chunks of a WebP file, found without decoding a pixel: Pillow would allocate the canvas to tell its size."""

from __future__ import annotations

from dataclasses import dataclass

from autotag_core.frames.gif_blocks import MAX_COUNTED_FRAMES, shown_ms

_ANIMATED = 0x02


@dataclass(frozen=True)
class WebpChunks:
    """A WebP's canvas in pixels, the delays of its whole frames (still: one 0), and the end of its last whole chunk."""

    width: int
    height: int
    delays_ms: tuple[int, ...]
    end: int
    truncated: bool


def read_webp_chunks(data: bytes) -> WebpChunks | None:
    """The chunks of a file that starts with RIFF....WEBP. None where no canvas size is found. Never raises."""
    size: tuple[int, int] | None = None
    animated = False
    delays: list[int] = []
    position = 12
    file_end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while position + 8 <= file_end and len(delays) < MAX_COUNTED_FRAMES:
        name, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        body = data[position + 8 : position + 8 + min(length, 16)]
        if size is None:
            size, animated = _canvas(name, body)
        if position + 8 + length > file_end:
            break
        if name == b"ANMF" and len(body) == 16:
            delays.append(shown_ms(int.from_bytes(body[12:15], "little")))
        position += 8 + length + length % 2
    truncated = position < 8 + int.from_bytes(data[4:8], "little")
    if size is None:
        return None
    return WebpChunks(*size, tuple(delays) if animated else (0,), min(position, len(data)), truncated)


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
