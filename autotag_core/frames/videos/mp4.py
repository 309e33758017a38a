"""MP4: the packets of its best video track, from its boxes (ISO/IEC 14496-12). Nothing outside of the file is read."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, repeat

from autotag_core.frames.gif_blocks import MAX_COUNTED_FRAMES
from autotag_core.frames.stills.orientation import UPRIGHT
from autotag_core.frames.videos.boxes import Box, boxes, find, number, version
from autotag_core.frames.videos.fragments import TimedSample, read_fragments
from autotag_core.frames.videos.video import Sample, Track, Video, as_video

_DECODERS = {
    b"avc1": ("h264", b"avcC"),
    b"avc3": ("h264", b"avcC"),
    b"hvc1": ("hevc", b"hvcC"),
    b"hev1": ("hevc", b"hvcC"),
    b"vp08": ("vp8", None),
    b"vp09": ("vp9", None),
    b"av01": ("libdav1d", b"av1C"),
}
"""What browsers play in MP4: the decoder, and the box with its setup."""
_ENTRY_BYTES = 78  # of a video's sample entry before the boxes inside
_TURNS: dict[tuple[int, ...], int] = {(0, 1, -1, 0): 6, (-1, 0, 0, -1): 3, (0, -1, 1, 0): 8}
"""EXIF's orientation by the corner of a track's matrix: a quarter turn clockwise, a half turn, three quarters."""


def is_mp4(data: bytes) -> bool:
    """Whether the bytes start as an MP4 or MOV does. Pictures made of boxes, AVIF and HEIC, do not count."""
    return data[4:8] == b"ftyp" and data[8:12] not in (b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix", b"hevc")


def read_mp4(data: bytes, handler: bytes = b"vide") -> Video | None:
    """The packets of the track with the largest canvas; None where there is no video that browsers play. Never raises.

    `handler` says what kind of track is wanted: `pict` is an AVIF's. Sound, edit lists and the shape of pixels are left
    out.
    """
    whole = Box(b"", 0, len(data), True, 0)
    movie = find(data, whole, b"moov")
    tracks = [] if movie is None else [box for box in boxes(data, movie.start, movie.end) if box.name == b"trak"]
    found = [(track, box) for box in tracks if (track := _track(data, box, handler)) is not None]
    if movie is None or not found:
        return None
    track, box = max(found, key=lambda one: one[0].width * one[0].height)
    clock = find(data, box, b"mdia", b"mdhd")
    assert clock is not None  # _track has asked
    ticks_a_second = number(data, clock.start + (20 if version(data, clock) == 1 else 12), 4)
    if ticks_a_second == 0:
        return None
    samples = list(_samples(data, find(data, box, b"mdia", b"minf", b"stbl")))
    track_id = _track_id(data, box)
    samples += read_fragments(data, movie, track_id, MAX_COUNTED_FRAMES - len(samples))
    here = [one for one in samples if one.sample.start < one.sample.end <= len(data)]
    times = [one.sample.time for one in here]
    # a frame's own duration is that between two decodings; a fragmented file has no other
    is_long = version(data, clock) == 1
    length = number(data, clock.start + (24 if is_long else 16), 8 if is_long else 4)
    own = max(here, key=lambda one: one.sample.time).duration if here else 0
    last_ticks = length - max(times) if times else 0
    last_ticks = last_ticks if last_ticks > 0 else own
    tick_ms, truncated = Fraction(1000, ticks_a_second), len(here) < len(samples)
    return as_video(track, [one.sample for one in here], last_ticks, tick_ms, truncated)


def _track(data: bytes, box: Box, wanted: bytes) -> Track | None:
    media = find(data, box, b"mdia")
    handler = find(data, media, b"hdlr")
    if handler is None or find(data, media, b"mdhd") is None or data[handler.start + 8 : handler.start + 12] != wanted:
        return None
    entries = find(data, media, b"minf", b"stbl", b"stsd")
    entry = next(boxes(data, entries.start + 8, entries.end), None) if entries is not None else None
    if entry is None or entry.name not in _DECODERS or entry.end - entry.start < _ENTRY_BYTES:
        return None
    decoder, name = _DECODERS[entry.name]
    inside = boxes(data, entry.start + _ENTRY_BYTES, entry.end)
    setup = next((one for one in inside if one.name == name), None)
    width, height = number(data, entry.start + 24, 2), number(data, entry.start + 26, 2)
    return Track(decoder, data[setup.start : setup.end] if setup else b"", width, height, _orientation(data, box))


def _track_id(data: bytes, box: Box) -> int:
    head = find(data, box, b"tkhd")
    return 0 if head is None else number(data, head.start + (20 if version(data, head) == 1 else 12), 4)


def _orientation(data: bytes, box: Box) -> int:
    head = find(data, box, b"tkhd")
    if head is None:
        return UPRIGHT
    matrix = head.start + (52 if version(data, head) == 1 else 40)
    corner = tuple(number(data, matrix + place, 4, signed=True) for place in (0, 4, 12, 16))
    return _TURNS.get(tuple(round(value / 65536) for value in corner), UPRIGHT)


def _samples(data: bytes, table: Box | None) -> Iterator[TimedSample]:
    """The packets that the tables of a track name, in order, at most MAX_COUNTED_FRAMES."""
    found = {box.name: box for box in boxes(data, table.start, table.end)} if table is not None else {}
    sizes, chunks = found.get(b"stsz"), found.get(b"stco") or found.get(b"co64")
    if sizes is None or chunks is None:
        return
    keys = found.get(b"stss")
    key_numbers = {number(data, place, 4) for place in _entries(data, keys, 4)} if keys is not None else None
    durations = _runs(data, found.get(b"stts"))
    times = accumulate(_runs(data, found.get(b"stts")), initial=0)
    offsets = _runs(data, found.get(b"ctts"), signed=True)
    places = _places(data, sizes, chunks, found.get(b"stsc"))
    numbers = range(1, min(number(data, sizes.start + 8, 4), MAX_COUNTED_FRAMES) + 1)
    for i, (start, end), time, duration, offset in zip(numbers, places, times, durations, offsets, strict=False):
        is_key = key_numbers is None or i in key_numbers
        yield TimedSample(Sample(start, end, time + offset, is_key), duration, time + duration)


def _entries(data: bytes, box: Box, num_bytes: int) -> range:
    """Where the entries of a table begin: at most as many as it says, and as its body holds."""
    count = min(number(data, box.start + 4, 4), max(0, box.end - box.start - 8) // num_bytes)
    return range(box.start + 8, box.start + 8 + count * num_bytes, num_bytes)


def _runs(data: bytes, box: Box | None, signed: bool = False) -> Iterator[int]:
    """The values of a table that names each one with how often it comes, then 0 without end."""
    for place in _entries(data, box, 8) if box is not None else ():
        yield from repeat(number(data, place + 4, 4, signed), number(data, place, 4))
    yield from repeat(0)


def _places(data: bytes, sizes: Box, chunks: Box, runs: Box | None) -> Iterator[tuple[int, int]]:
    """Where packets begin and end: they lie in chunks, one after the other."""
    common = number(data, sizes.start + 4, 4)
    own = iter(range(sizes.start + 12, sizes.end - 3, 4))
    num_bytes = 4 if chunks.name == b"stco" else 8
    for position, num_samples in zip(_entries(data, chunks, num_bytes), _a_chunk(data, runs), strict=False):
        start = number(data, position, num_bytes)
        for _ in range(num_samples):
            place = None if common else next(own, None)
            if place is None and not common:
                return
            size = common if place is None else number(data, place, 4)
            yield start, start + size
            start += size


def _a_chunk(data: bytes, runs: Box | None) -> Iterator[int]:
    """How many packets each chunk holds. A run holds until the next one's first chunk."""
    places = _entries(data, runs, 12) if runs is not None else range(0)
    for place, after in zip(places, [*places[1:], None], strict=False):
        first, num_samples = number(data, place, 4), number(data, place + 4, 4)
        if after is None:
            yield from repeat(num_samples)
        else:
            yield from repeat(num_samples, max(0, number(data, after, 4) - first))
