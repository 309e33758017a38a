"""JPEG: its size and orientation from its segments, and its pixels also where the file is cut."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

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
    """A JPEG's size as stored, in pixels; its components; its EXIF orientation."""

    width: int
    height: int
    num_components: int
    orientation: int


class _Segment(NamedTuple):
    marker: int
    start: int  # of the marker
    body: slice
    is_whole: bool


def _segments(data: bytes) -> Iterator[_Segment]:
    """The segments in the order and the way in which libjpeg walks them: a broken one costs itself."""
    position, pattern = 2, _MARKER
    while found := pattern.search(data, position):
        marker, position, pattern = found.group(1)[0], found.end(), _MARKER
        if marker == _END:
            return
        if marker in _NO_LENGTH:
            continue
        end = position + max(2, int.from_bytes(data[position : position + 2], "big"))
        yield _Segment(marker, found.start(), slice(position + 2, end), end <= len(data))
        position = end
        if marker == _START_OF_SCAN:
            pattern = _AFTER_SCAN


def read_jpeg(data: bytes) -> JpegHead | None:
    """The head of a file that starts with FF D8. None where no size is found before its pixels. Never raises.

    No metadata is looked into but EXIF.
    """
    size: tuple[int, int, int] | None = None
    orientation = UPRIGHT
    for marker, _, body, is_whole in _segments(data):
        if marker == _START_OF_SCAN or not is_whole:
            break
        content = data[body]
        if marker in _START_OF_FRAME and size is None and len(content) >= 6:
            size = int.from_bytes(content[3:5], "big"), int.from_bytes(content[1:3], "big"), content[5]
        elif marker == _EXIF and content.startswith(b"Exif\0") and orientation == UPRIGHT:
            orientation = read_orientation(content)
    return JpegHead(*size, orientation) if size else None


def decode_jpeg(data: bytes, head: JpegHead) -> Picture | None:
    """The picture as stored, before its orientation; None where nothing of it can be read."""
    if head.num_components not in _MODES:
        return None
    if data.count(bytes([0xFF, _START_OF_SCAN])) > _MAX_SCANS and _num_scans(data)[0] > _MAX_SCANS:
        return None
    image, is_whole = _decode(data, head, None)
    return Picture(as_rgba(image), 0) if is_whole else _decode_cut(data, head)


def _decode_cut(data: bytes, head: JpegHead) -> Picture | None:
    """The rows that are in a file without its end marker. It may be whole or cut.

    It is decoded with two ends: what does not depend on the end is in the file. A cut in a later scan costs sharpness
    and no rows, as in browsers. Where the decoder gives up amid the file, two fills tell which rows it wrote.
    """
    num_scans, end = _num_scans(data)
    data = data[:end].rstrip(b"\xff")
    image, is_ended = _decode(data + _END_MARKER, head, 0)
    if is_ended and num_scans > 1:
        return Picture(as_rgba(image), 1)
    other = _decode(data + _noisy_end(data), head, 0) if is_ended else _decode(data + _END_MARKER, head, 255)
    num_rows = num_equal_rows(image, other[0]) if num_scans else 0
    if num_rows == 0:
        return None
    pixels = as_rgba(image)
    pixels[num_rows:] = 0
    return Picture(pixels, max(pixels[num_rows:, :, 0].size, 0 if is_ended else 1))


def _num_scans(data: bytes) -> tuple[int, int]:
    """How many scans begin, and the length of the file without a last segment that is cut."""
    num_scans = 0
    for segment in _segments(data):
        if not segment.is_whole:
            return num_scans, segment.start
        num_scans += segment.marker == _START_OF_SCAN
    return num_scans, len(data)


def _noisy_end(data: bytes) -> bytes:
    """Noise where the pixels of a cut file should go on, also after each restart marker that may have to come first."""
    last = max(range(7, -1, -1), key=lambda i: data.rfind(bytes([0xFF, 0xD0 + i])))
    return b"".join(_NOISE[i].tobytes() + bytes([0xFF, 0xD0 + (last + 1 + i) % 8]) for i in range(8)) + _END_MARKER


def _decode(data: bytes, head: JpegHead, fill: int | None) -> tuple[Image.Image, bool]:
    """What Pillow's decoder makes of the bytes, and whether it came to their end. It skips metadata unread."""
    mode, raw_mode = _MODES[head.num_components]
    image = Image.new(mode, (head.width, head.height), None if fill is None else (fill,) * len(mode))
    try:
        image.frombytes(data, "jpeg", (raw_mode, ""))
    except (ValueError, OSError):
        return image, False
    return image, True
