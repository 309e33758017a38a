"""AVIF: its canvas, frames and orientation from its boxes, and the pixels of one frame by Pillow."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from autotag_core.frames.stills.orientation import UPRIGHT
from autotag_core.frames.stills.pixels import Picture, Pixels
from autotag_core.frames.videos.boxes import Box, boxes, find, number
from autotag_core.frames.videos.mp4 import read_mp4
from autotag_core.frames.videos.video import Video

_ORIENTATIONS = {0: UPRIGHT, 1: 8, 2: 3, 3: 6}
"""EXIF's orientation by how often `irot` turns a picture a quarter to the left."""


class AvifFile(NamedTuple):
    """An AVIF's canvas in pixels, before the orientation turns it. `video` has the frames where it moves."""

    width: int
    height: int
    orientation: int
    video: Video | None


def is_avif(data: bytes) -> bool:
    """Whether the bytes start as an AVIF does, moving or not."""
    if data[4:8] != b"ftyp":
        return False
    brands = data[8 : min(number(data, 0, 4), 256)]
    return brands[:4] in (b"avif", b"avis") or (brands[:4] in (b"mif1", b"msf1") and b"avif" in brands)


def read_avif(data: bytes) -> AvifFile | None:
    """The canvas and frames; None where there is no size or no frame. Never raises.

    Of a still picture the largest size counts that the file names: that of a part or of its transparency is less.
    """
    if data[8:12] == b"avis":
        video = read_mp4(data, b"pict")
        return AvifFile(video.track.width, video.track.height, UPRIGHT, video) if video is not None else None
    whole = Box(b"", 0, len(data), True, 0)
    meta = find(data, whole, b"meta")
    if meta is None:
        return None
    inside = find(data, meta._replace(start=meta.start + 4), b"iprp", b"ipco")
    properties = list(boxes(data, inside.start, inside.end)) if inside is not None else []
    sizes = [tuple(number(data, one.start + i, 4) for i in (4, 8)) for one in properties if one.name == b"ispe"]
    if not sizes:
        return None
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    turns = {number(data, one.start, 1) & 3 for one in properties if one.name == b"irot"}
    return AvifFile(width, height, _ORIENTATIONS[turns.pop()] if len(turns) == 1 else UPRIGHT, None)


class AvifDecoder:
    """Decodes frames one by one, on one thread. Frames asked for in ascending order are decoded once each."""

    def __init__(self, data: bytes, width: int, height: int) -> None:
        """Pillow's decoder, or none where the file is broken or has another size than its boxes say."""
        from PIL import _avif

        self._size = width, height
        self._decoder: Any = None
        try:
            decoder = _avif.AvifDecoder(data, "auto", 1)
            size, _, self._mode, *_ = decoder.get_info()
        except MemoryError:
            raise
        except Exception:  # of many classes
            return
        if tuple(size) == self._size:
            self._decoder = decoder

    def decode(self, frame_index: int) -> Picture | None:
        """A frame before its orientation; None where it can't be read."""
        if self._decoder is None:
            return None
        try:
            raw = self._decoder.get_frame(frame_index)[0]
        except MemoryError:
            raise
        except Exception:  # of many classes
            return None
        width, height = self._size
        found: Pixels = np.frombuffer(raw, np.uint8).reshape(height, width, len(self._mode))
        pixels = np.full((height, width, 4), 255, np.uint8)
        pixels[..., : found.shape[2]] = found
        return Picture(pixels, 0)
