"""The file of mean looks, as the judge's tasks map it. sums.py writes it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from autotag_core.storage.arrays import open_arrays

Int64s = npt.NDArray[np.int64]


PARTS = 256
"""A mean look is stored in whole numbers of a PARTS-th of a look's, in two bytes."""


class MeanLooks(NamedTuple):
    """By a tag's number: how many looks it has (tags,), their mean (tags, axes), and the length squared of their sum
    (tags,). There are no axes where nothing has a look.
    """

    nums: Int64s
    means: npt.NDArray[np.int16]
    squares: npt.NDArray[np.float64]


def open_means(uri: str, workspace: Path) -> MeanLooks:
    """Map the file that write_means wrote."""
    if not uri:
        return MeanLooks(np.zeros(0, np.int64), np.zeros((0, 0), np.int16), np.zeros(0))
    found = open_arrays(uri, workspace)
    nums = found["num"].to_numpy()
    return MeanLooks(nums, found["means"].to_numpy().reshape(len(nums), -1), found["squares"].to_numpy())
