"""The file of sums of looks, as the judge's tasks map it. sums.py writes it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autotag_core.storage.arrays import open_arrays

Int64s = npt.NDArray[np.int64]


class LookSums(NamedTuple):
    """By a tag's number: how many looks were added up (tags,), their sum (tags, axes), and its length squared (tags,).
    There are no axes where nothing has a look.
    """

    nums: Int64s
    sums: npt.NDArray[np.int32]
    squares: npt.NDArray[np.float64]


def open_sums(uri: str, workspace: Path) -> LookSums:
    """Map the file that write_sums wrote."""
    if not uri:
        return LookSums(np.zeros(0, np.int64), np.zeros((0, 0), np.int32), np.zeros(0))
    found = open_arrays(uri, workspace)
    nums = found["num"].to_numpy()
    return LookSums(nums, found["sums"].to_numpy().reshape(len(nums), -1), found["squares"].to_numpy())
