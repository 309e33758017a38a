"""PNG: its frames and orientation from its chunks. Chunks that say nothing about pixels are not looked into."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from autotag_core.frames.gif_blocks import MAX_COUNTED_FRAMES, shown_ms
from autotag_core.frames.patches import Patch
from autotag_core.frames.stills.orientation import UPRIGHT, read_orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK = struct.Struct(">I4s")
_IHDR = struct.Struct(">IIBBBBB")
_FCTL = struct.Struct(">IIIIIHHBB")
_PREVIOUS = 2


@dataclass(frozen=True)
class PngFile:
    """A PNG's canvas in pixels and its pictures: frames of an animation, or the one still picture.

    `depth` is in bits. `palette` and `transparency` are the bodies of PLTE and tRNS, empty where there is none.
    """

    width: int
    height: int
    depth: int
    colour_type: int
    interlaced: bool
    palette: bytes
    transparency: bytes
    orientation: int
    is_animated: bool
    pictures: tuple[Patch, ...]
    truncated: bool  # frames that the file announces are not there


class _Chunk(NamedTuple):
    name: bytes
    start: int
    end: int  # of the body, without its checksum; at most the file's length


def read_png(data: bytes) -> PngFile | None:
    """The frames of a file that starts with SIGNATURE. None where it has no size or no byte of a picture. Never raises.

    A picture that is no part of the animation, for programs that know none, counts only where there is no frame.
    Checksums are not looked at: a flipped bit in a comment is no reason, and one in the pixels shows by itself.
    """
    chunks = _chunks(data)
    first = next(chunks, None)
    if first is None or first.name != b"IHDR" or first.end - first.start < _IHDR.size:
        return None
    width, height, depth, colour_type, _, _, interlaced = _IHDR.unpack_from(data, first.start)
    still: list[tuple[int, int]] = []
    bodies = {b"PLTE": b"", b"tRNS": b""}
    orientation, num_announced = UPRIGHT, 0
    frames = _Frames()
    for name, start, end in chunks:
        if name == b"IDAT":
            still.append((start, end))
            frames.add(start, end)
        elif name == b"fdAT" and end - start > 4:
            frames.add(start + 4, end)
        elif name == b"fcTL":
            frames.begin(data[start:end])
        elif name == b"acTL" and not still:
            num_announced = int.from_bytes(data[start : min(start + 4, end)], "big")
        elif name in bodies and not still:
            bodies[name] = data[start:end]
        elif name == b"eXIf" and orientation == UPRIGHT:
            orientation = read_orientation(data[start:end])
        if len(frames.found) >= MAX_COUNTED_FRAMES:
            break
    found = frames.inside(width, height) if num_announced else ()
    if not found and not still:
        return None
    whole = Patch(0, 0, width, height, parts=tuple(still))
    palette, transparency = bodies.values()
    return PngFile(
        width,
        height,
        depth,
        colour_type,
        bool(interlaced),
        palette,
        transparency,
        UPRIGHT if found else orientation,
        bool(found),
        found or (whole,),
        len(found) < num_announced,
    )


def _chunks(data: bytes) -> Iterator[_Chunk]:
    position = len(SIGNATURE)
    while position + _CHUNK.size < len(data):
        length, name = _CHUNK.unpack_from(data, position)
        start = position + _CHUNK.size
        if name == b"IEND":
            return
        yield _Chunk(name, start, min(start + length, len(data)))
        position = start + length + 4


class _Frames:
    """Collects the frames of an animation as their chunks come."""

    def __init__(self) -> None:
        self.found: list[Patch] = []
        self._control: tuple[int, ...] | None = None
        self._parts: list[tuple[int, int]] = []

    def begin(self, body: bytes) -> None:
        """A frame's control chunk. One that is too short leaves its frame out."""
        self._end()
        self._control = _FCTL.unpack_from(body) if len(body) >= _FCTL.size else None

    def add(self, start: int, end: int) -> None:
        """A piece of pixel data, of the frame whose control chunk came last. Before the first one it is no frame's."""
        if self._control is not None and end > start:
            self._parts.append((start, end))

    def inside(self, width: int, height: int) -> tuple[Patch, ...]:
        """The frames that lie on the canvas, as all must."""
        self._end()
        return tuple(
            one
            for one in self.found
            if one.width and one.height and one.left + one.width <= width and one.top + one.height <= height
        )

    def _end(self) -> None:
        if self._control is None or not self._parts:
            return
        _, width, height, left, top, numerator, denominator, dispose, blend = self._control
        delay = shown_ms(round(1000 * numerator / (denominator or 100)))
        disposal = dispose + 1 if dispose <= _PREVIOUS else 1
        self.found.append(Patch(left, top, width, height, disposal, blend == 0, delay, tuple(self._parts)))
        self._control, self._parts = None, []
