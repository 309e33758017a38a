"""Compiled loops over looks: their sums by tag, and the log likelihood ratio of a GIF's look under a tag.

Loads numba: import it where it is used.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from autotag_core.compiled import compiled
from autotag_core.votes.discriminant.axes import STEPS
from autotag_core.votes.discriminant.mean_looks import PARTS, MeanLooks
from autotag_core.votes.tally.string_loops import Int32s, Int64s
from autotag_core.votes.tally.tally_loops import Bools, Floats, Found

MEAN_GIFS = 6.0
"""A tag's mean look is drawn to that of all GIFs, as if so many with the mean look had the tag too."""


@compiled
def add_looks(found: Found, looks: npt.NDArray[np.int8], sums: npt.NDArray[np.int32], nums: Int64s) -> None:
    """Add looks (n, axes) to the sums (tags, axes) and numbers (tags,) of the tags found for each."""
    for gif in range(len(looks)):
        for at in range(found.starts[gif], found.starts[gif + 1]):
            tag = found.tags[at]
            nums[tag] += 1
            for axis in range(looks.shape[1]):
                sums[tag, axis] += looks[gif, axis]


@compiled
def likeness(
    known: MeanLooks, looks: npt.NDArray[np.int8], has_look: Bools, gifs: Int64s, tags: Int32s, is_taught: Bools
) -> Floats:
    """The log likelihood ratio (n,) that GIFs look like those with the tags, against all GIFs; NaN where unknown.

    Linear discriminant analysis in axes where every direction varies alike: look . mean - |mean|^2 / 2, for the mean
    look of the other GIFs with the tag, shrunk by MEAN_GIFS. gifs, tags (n,) are numbers; is_taught: the GIF itself is
    in the tag's sum, and is taken out of it.
    """
    out = np.full(len(tags), np.nan)
    if known.means.shape[1] == 0:
        return out
    for row in range(len(tags)):
        gif, tag = gifs[row], tags[row]
        num, square = known.nums[tag], known.squares[tag]
        if not has_look[gif] or num == 0:
            continue
        look, mean, product, itself = looks[gif], known.means[tag], np.int32(0), 0
        for axis in range(looks.shape[1]):  # 256 axes of 127 * 32,512 fit 32 bits
            product = np.int32(product + np.int32(np.int32(look[axis]) * np.int32(mean[axis])))
        dot = product * (num / PARTS)
        if is_taught[row]:
            for axis in range(looks.shape[1]):
                itself += np.int64(look[axis]) * look[axis]
            num, square, dot = num - 1, square - 2.0 * dot + itself, dot - itself
        if num > 0:
            shrunk = num + MEAN_GIFS
            out[row] = (dot / shrunk - 0.5 * square / (shrunk * shrunk)) / (STEPS * STEPS)
    return out
