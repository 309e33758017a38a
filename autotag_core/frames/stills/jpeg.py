"""JPEG: its size and orientation from its segments, and its pixels also where the file is cut."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from autotag_core.frames.stills.orientation import UPRIGHT, read_orientation
from autotag_core.frames.stills.pixels import Picture, as_rgba, num_equal_rows

_MARKER = re.compile(rb"\xff+([^\xff])", re.DOTALL)
_AFTER_SCAN = re.compile(rb"\xff+([^\xff\0\xd0-\xd7])", re.DOTALL)
_NO_LENGTH = {0x00, 0x01, *range(0xD0, 0xD9)}
_EXIF, _START_OF_SCAN, _END = 0xE1, 0xDA, 0xD9
_START_OF_FRAME = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MODES = {1: ("L", "L"), 3: ("RGB", "RGB"), 4: ("CMYK", "CMYK;I")}  # by components; four are inverted, as Adobe writes

_MAX_SCANS = 500
"""Each scan can go over all pixels again. Sound files have about ten; a hostile one of 20 MB could have 300,000."""
_END_MARKER = bytes([0xFF, _END])
_NOISE = np.random.default_rng(1).integers(0, 0xFF, (8, 512), np.uint8)


@dataclass(frozen=True)
class JpegHead:
    """A JPEG's size as stored, in pixels; its components; its EXIF orientation; how many of its scans begin.

    `end` is the length of the file without a last segment that is cut.
    """

    width: int
    height: int
    num_components: int
    orientation: int
    num_scans: int
    end: int


def read_jpeg(data: bytes) -> JpegHead | None:
    """The head of a file that starts with FF D8. None where no size is found. Never raises.

    Segments are walked as libjpeg walks them: a broken one costs itself, and no metadata is looked into but EXIF.
    """
    size: tuple[int, int, int] | None = None
    orientation, num_scans, position, end = UPRIGHT, 0, 2, len(data)
    pattern = _MARKER
    while found := pattern.search(data, position):
        marker, position, pattern = found.group(1)[0], found.end(), _MARKER
        if marker == _END:
            break
        if marker in _NO_LENGTH:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        body = data[position + 2 : position + max(2, length)]
        position += max(2, length)
        if position > len(data):
            end = found.start()
            break
        if marker in _START_OF_FRAME and size is None and len(body) >= 6:
            size = int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"), body[5]
        elif marker == _EXIF and body.startswith(b"Exif\0") and orientation == UPRIGHT:
            orientation = read_orientation(body)
        elif marker == _START_OF_SCAN:
            num_scans += 1
            pattern = _AFTER_SCAN
    return JpegHead(*size, orientation, num_scans, end) if size else None


def decode_jpeg(data: bytes, head: JpegHead) -> Picture | None:
    """The picture as stored, before its orientation; None where nothing of it can be read.

    A file without its end marker may be whole or cut. It is decoded with two ends: what does not depend on the end is
    in the file. A cut in a later scan costs sharpness and no rows, as in browsers. Where the decoder gives up amid the
    file, two fills tell which rows it wrote.
    """
    if head.num_components not in _MODES or not 1 <= head.num_scans <= _MAX_SCANS:
        return None
    image, is_whole = _decode(data, head)
    if is_whole:
        return Picture(as_rgba(image), 0)
    data = data[: head.end].rstrip(b"\xff")
    image, is_ended = _decode(data + _END_MARKER, head)
    if is_ended and head.num_scans > 1:
        return Picture(as_rgba(image), 1)
    other = _decode(data + _noisy_end(data), head) if is_ended else _decode(data + _END_MARKER, head, fill=255)
    num_rows = num_equal_rows(image, other[0])
    if num_rows == 0:
        return None
    pixels = as_rgba(image)
    pixels[num_rows:] = 0
    return Picture(pixels, max(pixels[num_rows:, :, 0].size, 0 if is_ended else 1))


def _noisy_end(data: bytes) -> bytes:
    """Noise where the pixels of a cut file should go on, also after each restart marker that may have to come first."""
    last = max(range(7, -1, -1), key=lambda i: data.rfind(bytes([0xFF, 0xD0 + i])))
    return b"".join(_NOISE[i].tobytes() + bytes([0xFF, 0xD0 + (last + 1 + i) % 8]) for i in range(8)) + _END_MARKER


def _decode(data: bytes, head: JpegHead, fill: int = 0) -> tuple[Image.Image, bool]:
    """What Pillow's decoder makes of the bytes, and whether it came to their end. It skips metadata unread."""
    mode, raw_mode = _MODES[head.num_components]
    image = Image.new(mode, (head.width, head.height), (fill,) * len(mode))
    try:
        image.frombytes(data, "jpeg", (raw_mode, ""))
    except (ValueError, OSError):
        return image, False
    return image, True
