"""Which frames of a GIF the model sees."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal


def sample_indices(delays_ms: Sequence[int], num_frames_wanted: int, sampling: Literal["index", "time"]) -> list[int]:
    """m = min(n, num_frames_wanted) distinct frame indices, ascending, spread evenly over n = len(delays_ms) frames.

    With T the sum of the delays and j = 0 .. m - 1:
    `index`: i_j = floor((j + 0.5) n / m).
    `time`: the frames shown at t_j = (j + 0.5) T / m. That is the first frame that ends after t_j; its end is the sum
    of the delays up to and with its own. A frame that is shown at several t_j comes once. If k frames are then missing,
    k of the r frames not taken yet fill up: in order, number floor((i + 0.5) r / k), i = 0 .. k - 1. So a file of at
    most m frames is taken whole, and a frame that stands long leaves its places to what moves.
    Where T is 0, `time` is `index`. All numbers are whole, so nothing is rounded.
    """
    n = len(delays_ms)
    m = min(n, num_frames_wanted)
    if sampling == "index" or sum(delays_ms) == 0:
        return spread_evenly(n, m)
    shown = _shown(delays_ms, m)
    others = sorted(set(range(n)).difference(shown))
    return sorted(shown + [others[i] for i in spread_evenly(len(others), m - len(shown))])


def spread_evenly(n: int, m: int) -> list[int]:
    """The middle of each of m equal parts of 0 .. n - 1, ascending; distinct where m <= n."""
    return [(2 * j + 1) * n // (2 * m) for j in range(m)]


def _shown(delays_ms: Sequence[int], m: int) -> list[int]:
    """The frames shown at the m points in time, each once."""
    total = sum(delays_ms)
    indices: list[int] = []
    j = 0
    for i, end in enumerate(accumulate(delays_ms)):
        first = j
        while j < m and end * 2 * m > (2 * j + 1) * total:
            j += 1
        if j > first:
            indices.append(i)
    return indices
