"""Which way up a picture is shown: EXIF's orientation."""

from __future__ import annotations

import struct

import numpy as np

from autotag_core.frames.stills.pixels import Pixels

_ORIENTATION, _SHORT = 0x0112, 3
UPRIGHT = 1


def read_orientation(exif: bytes) -> int:
    """The orientation, 1 .. 8, that a block of EXIF tells (a TIFF file, with or without `Exif\\0\\0` before it).

    1 where it tells none or is broken: metadata never refuses a picture. Only the first directory counts, as in
    browsers.
    """
    if exif.startswith(b"Exif\0"):
        exif = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if order is None or len(exif) < 8:
        return UPRIGHT
    (start,) = struct.unpack_from(f"{order}I", exif, 4)
    if start + 2 > len(exif):
        return UPRIGHT
    (num_entries,) = struct.unpack_from(f"{order}H", exif, start)
    for position in range(start + 2, min(start + 2 + 12 * num_entries, len(exif) - 11), 12):
        tag, kind, count, value = struct.unpack_from(f"{order}HHIH", exif, position)
        if tag == _ORIENTATION:
            return value if (kind, count) == (_SHORT, 1) and 1 <= value <= 8 else UPRIGHT
    return UPRIGHT


def is_turned(orientation: int) -> bool:
    """Whether width and height change places."""
    return orientation >= 5


def orient(pixels: Pixels, orientation: int) -> Pixels:
    """The picture (height, width, 4) as it is shown: turned or mirrored as EXIF's orientation 1 .. 8 says."""
    if orientation == UPRIGHT:
        return pixels
    if is_turned(orientation):
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)
