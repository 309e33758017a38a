"""Fragments of an MP4: packets that are named beside their data and not in the header (ISO/IEC 14496-12, 8.8)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from autotag_core.frames.videos.boxes import Box, boxes, find, number, version
from autotag_core.frames.videos.video import Sample

_NO_KEY = 0x10000
_BASE, _DESCRIPTION, _DURATION, _SIZE, _FLAGS = 0x1, 0x2, 0x8, 0x10, 0x20  # of a track's fragment
_OFFSET, _FIRST_FLAGS = 0x1, 0x4  # of a run
_OWN_DURATION, _OWN_SIZE, _OWN_FLAGS, _OWN_SHIFT = 0x100, 0x200, 0x400, 0x800


class TimedSample(NamedTuple):
    """A packet, for how long its frame is shown, and when the next one is decoded, ticks."""

    sample: Sample
    duration: int
    end: int


class _Defaults(NamedTuple):
    duration: int
    size: int
    flags: int


def read_fragments(data: bytes, movie: Box, track_id: int, most: int) -> list[TimedSample]:
    """The packets of a track's fragments, in the order of the file, at most so many. `movie` is the file's moov."""
    defaults = _movie_defaults(data, movie, track_id)
    found: list[TimedSample] = []
    time = 0
    for fragment in boxes(data, 0, len(data)):
        for part in boxes(data, fragment.start, fragment.end) if fragment.name == b"moof" else ():
            head = find(data, part, b"tfhd") if part.name == b"traf" else None
            if head is None or number(data, head.start + 4, 4) != track_id:
                continue
            base, own = _head(data, head, fragment.head, defaults)
            start = find(data, part, b"tfdt")
            if start is not None:
                time = number(data, start.start + 4, 8 if version(data, start) == 1 else 4)
            found += islice(_runs(data, part, base, time, own), most - len(found))
            time = found[-1].end if found else time
    return found


def _movie_defaults(data: bytes, movie: Box, track_id: int) -> _Defaults:
    extends = find(data, movie, b"mvex")
    for box in boxes(data, extends.start, extends.end) if extends is not None else ():
        if box.name == b"trex" and number(data, box.start + 4, 4) == track_id:
            return _Defaults(*(number(data, box.start + place, 4) for place in (12, 16, 20)))
    return _Defaults(0, 0, 0)


def _head(data: bytes, head: Box, fragment_start: int, defaults: _Defaults) -> tuple[int, _Defaults]:
    """Where a track's fragment counts its data from, and what holds for its packets."""
    flags, position = number(data, head.start + 1, 3), head.start + 8
    base = fragment_start
    if flags & _BASE:
        base, position = number(data, position, 8), position + 8
    if flags & _DESCRIPTION:
        position += 4
    found = list(defaults)
    for place, flag in enumerate((_DURATION, _SIZE, _FLAGS)):
        if flags & flag:
            found[place], position = number(data, position, 4), position + 4
    return base, _Defaults(*found)


def _runs(data: bytes, part: Box, base: int, time: int, defaults: _Defaults) -> Iterator[TimedSample]:
    """The packets of a track's fragment. A run that does not say where its data begins goes on where the last ended."""
    position = base
    for run in boxes(data, part.start, part.end):
        if run.name != b"trun":
            continue
        if number(data, run.start + 1, 3) & _OFFSET:
            position = max(0, base + number(data, run.start + 8, 4, signed=True))
        for one in _run(data, run, position, time, defaults):
            position, time = one.sample.end, one.end
            yield one


def _run(data: bytes, run: Box, start: int, time: int, defaults: _Defaults) -> Iterator[TimedSample]:
    flags, count, position = number(data, run.start + 1, 3), number(data, run.start + 4, 4), run.start + 8
    position += 4 * bool(flags & _OFFSET)
    first_flags = None
    if flags & _FIRST_FLAGS:
        first_flags, position = number(data, position, 4), position + 4
    own = [flag for flag in (_OWN_DURATION, _OWN_SIZE, _OWN_FLAGS, _OWN_SHIFT) if flags & flag]
    for i in range(count):
        if position + 4 * len(own) > run.end:
            return
        said = {flag: number(data, position + 4 * n, 4, signed=flag == _OWN_SHIFT) for n, flag in enumerate(own)}
        position += 4 * len(own)
        said_flags = said.get(_OWN_FLAGS, defaults.flags)
        if i == 0 and first_flags is not None:
            said_flags = first_flags
        duration, size = said.get(_OWN_DURATION, defaults.duration), said.get(_OWN_SIZE, defaults.size)
        sample = Sample(start, start + size, time + said.get(_OWN_SHIFT, 0), not said_flags & _NO_KEY)
        start, time = start + size, time + duration
        yield TimedSample(sample, duration, time)
