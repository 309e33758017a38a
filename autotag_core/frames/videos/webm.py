"""WebM and Matroska: the packets of the best video track, from the file's elements (RFC 8794, RFC 9559)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from typing import NamedTuple

from autotag_core.frames.gif_blocks import MAX_COUNTED_FRAMES
from autotag_core.frames.videos.boxes import number
from autotag_core.frames.videos.video import Sample, Track, Video, as_video

SIGNATURE = b"\x1a\x45\xdf\xa3"
_SEGMENT, _INFO, _TRACKS, _CLUSTER, _GROUP = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675, 0xA0
_ENTERED = (_SEGMENT, _CLUSTER, _GROUP)
"""Elements whose inside is walked as if it stood beside them, so that one of unknown size needs no end."""
_LENGTH = 0x4489
_TICK_NS, _TIME, _SIMPLE_BLOCK, _BLOCK, _DURATION, _REFERENCE = 0x2AD7B1, 0xE7, 0xA3, 0xA1, 0x9B, 0xFB
_TRACK, _NUMBER, _KIND, _CODEC, _SETUP, _FRAME_NS, _ENCODED = 0xAE, 0xD7, 0x83, 0x86, 0x63A2, 0x23E383, 0x6D80
_VIDEO, _WIDTH, _HEIGHT = 0xE0, 0xB0, 0xBA
_DECODERS = {
    b"V_VP8": "vp8",
    b"V_VP9": "vp9",
    b"V_AV1": "libdav1d",
    b"V_MPEG4/ISO/AVC": "h264",
    b"V_MPEGH/ISO/HEVC": "hevc",
}
_KEY, _INVISIBLE, _LACED = 0x80, 0x08, 0x06
_VP8_SHOWN = 0x10
_MOST_TICKS = 1 << 48
_MOST_ELEMENTS = 1_000_000
"""A file of 20 MiB could hold ten millions of two bytes each, and take half a minute to walk."""


class _Element(NamedTuple):
    name: int
    start: int
    end: int  # of the body; at most the end of what holds it
    is_whole: bool


class _Blocks:
    """Collects the packets of one track as the elements of the file come."""

    def __init__(self, track_number: int, decoder: str) -> None:
        self.found: list[Sample] = []
        self.last_ticks: int | None = None
        self.is_cut = False
        self._track_number, self._decoder = track_number, decoder
        self._time = 0
        self._is_in_group = False  # the packet that came last

    def take(self, data: bytes, element: _Element) -> None:
        """Note a packet, when its cluster is shown, or what else is said of the packet before."""
        name = element.name
        if name == _TIME:
            self._time = min(_whole(data, element), _MOST_TICKS)
        elif name in (_SIMPLE_BLOCK, _BLOCK):
            self._is_in_group = self._take_block(data, element)
        elif name == _GROUP:
            self._is_in_group = False
        elif name == _REFERENCE and self._is_in_group:
            self.found[-1] = self.found[-1]._replace(is_key=False)
        elif name == _DURATION and self._is_in_group:
            self.last_ticks = min(_whole(data, element), _MOST_TICKS)

    def _take_block(self, data: bytes, element: _Element) -> bool:
        num_bytes = _num_bytes(data, element.start)
        start, end = element.start + num_bytes + 3, element.end
        if number(data, element.start, num_bytes) & ((1 << 7 * num_bytes) - 1) != self._track_number:
            return False
        flags = number(data, start - 1, 1)
        if start >= end or not element.is_whole or flags & _LACED:
            self.is_cut = True
            return False
        time = self._time + number(data, start - 3, 2, signed=True)
        # VP8 says in the first byte of a picture whether it is shown, or only others are made from it
        is_hidden = bool(flags & _INVISIBLE) or (self._decoder == "vp8" and not data[start] & _VP8_SHOWN)
        is_key = element.name == _BLOCK or bool(flags & _KEY)
        self.found.append(Sample(start, end, time, is_key, not is_hidden))
        self.last_ticks = None
        return element.name == _BLOCK


def read_webm(data: bytes) -> Video | None:
    """The packets of the track with the largest canvas; None where there is no video that browsers play. Never raises.

    Sound, transparency, chapters and the shape of pixels are left out.
    """
    tick_ns, length = 1_000_000, 0
    chosen: tuple[int, Track, int] | None = None
    blocks: _Blocks | None = None
    for element in islice(_walk(data), _MOST_ELEMENTS):
        if element.name == _INFO:
            said = _children(data, element)
            tick_ns, length = _whole(data, said.get(_TICK_NS)) or tick_ns, _rounded(data, said.get(_LENGTH))
        elif element.name == _TRACKS and chosen is None:
            tracks = [found for one in _elements(data, element.start, element.end) if (found := _track(data, one))]
            chosen = max(tracks, key=lambda one: one[1].width * one[1].height, default=None)
            blocks = _Blocks(chosen[0], chosen[1].decoder) if chosen else None
        elif blocks is not None:
            blocks.take(data, element)
            if len(blocks.found) >= MAX_COUNTED_FRAMES:
                break
    if chosen is None or blocks is None:
        return None
    last_ticks, end = blocks.last_ticks, max((one.time for one in blocks.found), default=0)
    if last_ticks is None and length > end:  # the last frame stands until the file ends
        last_ticks = length - end
    if last_ticks is None and chosen[2]:
        last_ticks = round(Fraction(chosen[2], tick_ns))
    return as_video(chosen[1], blocks.found, last_ticks, Fraction(tick_ns, 1_000_000), blocks.is_cut)


def _walk(data: bytes) -> Iterator[_Element]:
    """The elements of the file at all levels that matter, in order."""
    position = 0
    while (element := _element(data, position, len(data))) is not None:
        yield element
        position = element.start if element.name in _ENTERED else element.end


def _elements(data: bytes, start: int, end: int) -> Iterator[_Element]:
    while (element := _element(data, start, end)) is not None:
        yield element
        start = element.end


def _element(data: bytes, position: int, end: int) -> _Element | None:
    name_bytes = _num_bytes(data, position)
    size_bytes = _num_bytes(data, position + name_bytes)
    start = position + name_bytes + size_bytes
    if name_bytes == 0 or name_bytes > 4 or size_bytes == 0 or start > end:
        return None
    size = number(data, position + name_bytes, size_bytes) & ((1 << 7 * size_bytes) - 1)
    is_unknown = size == (1 << 7 * size_bytes) - 1
    stop = end if is_unknown else start + size
    return _Element(number(data, position, name_bytes), start, min(stop, end), stop <= end)


def _num_bytes(data: bytes, position: int) -> int:
    """How many bytes a number of variable size takes, 1 .. 8; 0 where there is none."""
    first = number(data, position, 1)
    return 9 - first.bit_length() if first else 0


def _children(data: bytes, element: _Element) -> dict[int, _Element]:
    """The first element of each name inside."""
    found: dict[int, _Element] = {}
    for one in _elements(data, element.start, element.end):
        found.setdefault(one.name, one)
    return found


def _whole(data: bytes, element: _Element | None) -> int:
    return number(data, element.start, min(8, element.end - element.start)) if element is not None else 0


def _rounded(data: bytes, element: _Element | None) -> int:
    """A number with a point, 4 or 8 bytes, as a whole one; 0 where it is none or absurd."""
    body = data[element.start : element.end] if element is not None else b""
    if len(body) not in (4, 8):
        return 0
    (value,) = struct.unpack(">f" if len(body) == 4 else ">d", body)
    return round(value) if 0 <= value < _MOST_TICKS else 0


def _track(data: bytes, element: _Element) -> tuple[int, Track, int] | None:
    """A track's number, what it is, and for how many ns a frame is shown; None where browsers do not play it.

    A track whose packets are packed once more, or encrypted, is none that they play.
    """
    said = _children(data, element) if element.name == _TRACK else {}
    video, codec = said.get(_VIDEO), said.get(_CODEC)
    if video is None or codec is None or _whole(data, said.get(_KIND)) != 1 or _ENCODED in said:
        return None
    decoder = _DECODERS.get(data[codec.start : codec.end].rstrip(b"\0"))
    if decoder is None:
        return None
    setup, size = said.get(_SETUP), _children(data, video)
    width, height = _whole(data, size.get(_WIDTH)), _whole(data, size.get(_HEIGHT))
    track = Track(decoder, data[setup.start : setup.end] if setup else b"", width, height)
    return _whole(data, said.get(_NUMBER)), track, _whole(data, said.get(_FRAME_NS))
