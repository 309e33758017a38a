"""Which frames of a GIF the model sees."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal


def sample_indices(delays_ms: Sequence[int], num_frames_wanted: int, sampling: Literal["index", "time"]) -> list[int]:
    """At most num_frames_wanted distinct frame indices, ascending, spread evenly over n = len(delays_ms) frames.

    With m = min(n, num_frames_wanted), T the sum of the delays and j = 0 .. m - 1:
    `index`: i_j = floor((j + 0.5) n / m), always m indices.
    `time`: the frame shown at t_j = (j + 0.5) T / m, that is the first whose end (the sum of the delays up to and with
    its own) is after t_j. A frame that is shown at several t_j comes once, so there can be fewer than m.
    Where T is 0, `time` is `index`. All in whole numbers: no rounding.
    """
    n = len(delays_ms)
    m = min(n, num_frames_wanted)
    total = sum(delays_ms)
    if sampling == "index" or total == 0:
        return [(2 * j + 1) * n // (2 * m) for j in range(m)]
    indices: list[int] = []
    j = 0
    for i, end in enumerate(accumulate(delays_ms)):
        first = j
        while j < m and end * 2 * m > (2 * j + 1) * total:
            j += 1
        if j > first:
            indices.append(i)
    return indices
