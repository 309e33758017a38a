"""What a video's file says of its frames, and which of them have to be decoded to see the sampled ones."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

from autotag_core.frames.stills.orientation import UPRIGHT

_LONGEST_MS = 10 * 365 * 24 * 3_600_000
"""Ten years. A file that plays longer is broken or hostile."""


class Sample(NamedTuple):
    """One packet of a video: its bytes in the file, and when its frame is shown, in ticks of the track."""

    start: int
    end: int
    time: int
    is_key: bool
    is_shown: bool = True


@dataclass(frozen=True)
class Track:
    """What the header of a video's track says. `width` and `height` are in pixels, before the orientation turns them.

    `decoder` is FFmpeg's name of the one that is used, `setup` what that decoder has to know before the first packet.
    """

    decoder: str
    setup: bytes
    width: int
    height: int
    orientation: int = UPRIGHT


@dataclass(frozen=True)
class Video:
    """A track with its packets, in the order in which they are decoded.

    `shown` has the place among them of each frame, in the order in which frames are shown. `delays_ms` are theirs.
    """

    track: Track
    samples: tuple[Sample, ...]
    shown: tuple[int, ...]
    delays_ms: tuple[int, ...]
    truncated: bool

    def parts(self, indices: Sequence[int]) -> list[range]:
        """Places of the packets that are decoded to see these frames (ascending), in parts that need no other one.

        A part begins with the last key frame that is decoded and shown before the frame, or as the frame: pictures that
        are decoded after a key frame and shown before it may need the part before. Without such a key frame it begins
        with the first packet.
        """
        keys = [place for place, sample in enumerate(self.samples) if sample.is_key]
        found: list[range] = []
        for place in (self.shown[index] for index in indices):
            first = self._first(keys, place)
            if found and first < found[-1].stop:
                found[-1] = range(min(first, found[-1].start), max(place + 1, found[-1].stop))
            else:
                found.append(range(first, place + 1))
        return found

    def num_decoded(self, indices: Sequence[int]) -> int:
        """How many packets are decoded to see these frames."""
        return sum(map(len, self.parts(indices)))

    def _first(self, keys: Sequence[int], place: int) -> int:
        for key in reversed(keys[: bisect_right(keys, place)]):
            if self.samples[key].time <= self.samples[place].time:
                return key
        return 0


def as_video(
    track: Track, samples: Sequence[Sample], last_ticks: int | None, tick_ms: Fraction, truncated: bool
) -> Video | None:
    """A video of these packets. `last_ticks`: how long the last frame is shown; None: as long as the one before.

    None where not one frame is shown, or where the times are absurd.
    """
    shown = sorted((place for place, one in enumerate(samples) if one.is_shown), key=lambda place: samples[place].time)
    if not shown:
        return None
    times = [samples[place].time for place in shown]
    if last_ticks is None:
        last_ticks = times[-1] - times[-2] if len(times) > 1 else 0
    ends = [*times[1:], times[-1] + max(last_ticks, 0)]
    if (ends[-1] - times[0]) * tick_ms > _LONGEST_MS:
        return None
    delays = tuple(_delays(times[0], ends, tick_ms))
    return Video(track, tuple(samples), tuple(shown), delays, truncated)


def _delays(start: int, ends: Sequence[int], tick_ms: Fraction) -> Iterator[int]:
    """Whole milliseconds whose sums are never off by more than half of one."""
    rounded = [0, *(round((end - start) * tick_ms) for end in ends)]
    return (end - begin for begin, end in pairwise(rounded))
