"""Compiled loops that say how much each neighbor of a list counts.

Loads numba: import it where it is used.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from autotag_core.compiled import compiled
from autotag_core.votes.evidence.evidence import SHARE_UNIT
from autotag_core.votes.tally.string_loops import Int64s
from autotag_core.votes.tally.tally_loops import Floats, Lists


@compiled
def list_weights(lists: Lists, distances: npt.NDArray[np.float32], similarity: float) -> tuple[Int64s, Floats]:
    """For each neighbor (items,) w = exp(-similarity (distance - distance of the nearest)) over the list's sum, in
    SHARE_UNITs. For each row (sum w)^2 / sum w^2, NaN where it has no neighbors.
    """
    weights, spreads = np.zeros(len(distances), np.int64), np.full(len(lists.experts), np.nan)
    for row in range(len(lists.experts)):
        start, end = lists.starts[row], lists.starts[row + 1]
        if lists.experts[row] < 0 or start == end:
            continue
        total, squares = 0.0, 0.0
        for item in range(start, end):
            weight = math.exp(-similarity * np.float64(distances[item] - distances[start]))
            total += weight
            squares += weight * weight
        for item in range(start, end):
            share = math.exp(-similarity * np.float64(distances[item] - distances[start])) / total
            weights[item] = math.floor(share * SHARE_UNIT + 0.5)
        spreads[row] = total * total / squares
    return weights, spreads
