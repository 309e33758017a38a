"""Boxes: what MP4, MOV and AVIF files are made of (ISO/IEC 14496-12, 4.2). Nothing here raises on a broken file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Box(NamedTuple):
    """A box: its name, and where its body lies in the file, at most to the end of what holds it."""

    name: bytes
    start: int
    end: int
    is_whole: bool
    head: int
    """Where its size stands, before the body."""


def boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """The boxes between two places of the file, in order. A box whose size is absurd ends them."""
    position = start
    while position + 8 <= end:
        size, body = number(data, position, 4), position + 8
        if size == 1:
            size, body = number(data, position + 8, 8), position + 16
        elif size == 0:
            size = end - position
        if size < body - position:
            return
        stop = position + size
        yield Box(data[position + 4 : position + 8], min(body, end), min(stop, end), stop <= end, position)
        position = stop


def find(data: bytes, box: Box | None, *path: bytes) -> Box | None:
    """The first box inside of `box` at this path of names; None where there is none."""
    for name in path:
        if box is None:
            return None
        box = next((one for one in boxes(data, box.start, box.end) if one.name == name), None)
    return box


def number(data: bytes, position: int, num_bytes: int, signed: bool = False) -> int:
    """A whole number of the file, most significant byte first. Bytes after the file's end are left out."""
    return int.from_bytes(data[position : position + num_bytes], "big", signed=signed)


def version(data: bytes, box: Box) -> int:
    """The version of a box that has one: 1 where its times are long."""
    return number(data, box.start, 1)
