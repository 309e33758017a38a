"""Whether one GIF is the other one saved again, by their embeddings and the hashes and colours of their frames."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from autotag_core.config import DuplicatesConfig
from autotag_core.errors import InputError

Hashes = Sequence[Sequence[int | None] | None]
"""For each GIF the hashes of its frames, signed 64 bits. None: nothing is known of the frame, or of the GIF."""
_BITS_OF_BYTE = np.array([value.bit_count() for value in range(256)], np.uint8)


def hash_distances(left: Hashes, right: Hashes, min_hashes: int) -> npt.NDArray[np.float64]:
    """Mean number of bits, 0..64, in which the frames of left[i] and right[i] differ, one number a pair.

    Frames are compared at equal positions where both have a hash; nan where these are fewer than min_hashes. InputError
    where there are not as many on the left as on the right, or GIFs have unequal numbers of frames.
    """
    (left_bits, left_known), (right_bits, right_known) = _table(left), _table(right)  # (n, frames), (n, frames)
    if len(left) != len(right):
        raise InputError(f"{len(left)} GIFs on the left and {len(right)} on the right: they must be pairs")
    if not left_bits.size or not right_bits.size:
        return np.full(len(left), np.nan)
    if left_bits.shape != right_bits.shape:
        raise InputError(f"{left_bits.shape[1]} hashes on the left and {right_bits.shape[1]} on the right")
    both = left_known & right_known
    differing = (left_bits ^ right_bits).view(np.uint8).reshape(*both.shape, 8)
    bits = _BITS_OF_BYTE[differing].sum(axis=2, dtype=np.int64)  # (n, frames)
    counted = both.sum(axis=1)
    with np.errstate(invalid="ignore"):
        mean = (bits * both).sum(axis=1) / counted
    return np.where(counted >= min_hashes, mean, np.nan)


def color_distances(left: Sequence[bytes | None], right: Sequence[bytes | None]) -> npt.NDArray[np.float64]:
    """Mean difference, 0..255, of the quarters' colours (media.frame_colors) of left[i] and right[i]; nan if unknown.

    InputError where the left and the right differ in number, or two GIFs in their bytes' length.
    """
    if len(left) != len(right):
        raise InputError(f"{len(left)} GIFs on the left and {len(right)} on the right: they must be pairs")
    known = [a is not None and b is not None for a, b in zip(left, right, strict=True)]
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a is not None and b is not None]
    lengths = sorted({len(item) for pair in pairs for item in pair})
    if len(lengths) > 1:
        raise InputError(f"colours of {lengths[0]} and of {lengths[-1]} bytes can't be compared")
    found = np.full(len(left), np.nan)
    if pairs:
        colors = np.frombuffer(b"".join(a + b for a, b in pairs), np.uint8).reshape(len(pairs), 2, -1).astype(np.int16)
        found[known] = np.abs(colors[:, 0] - colors[:, 1]).mean(axis=1)
    return found


def is_duplicate(
    distances: npt.ArrayLike, hash_bits: npt.ArrayLike, color_differences: npt.ArrayLike, config: DuplicatesConfig
) -> npt.NDArray[np.bool_]:
    """Which pairs, with these imagenet distances (1 - cosine), hash and color_distances, all (n,), are copies.

    All three must say so. The hash sees place and order, which an embedding averages away. The embedding sees what 64
    bits of light and shadow do not. Colour tells a recoloured set apart, to which both others are blind. A pair with
    nothing to compare (nan) is not a duplicate.
    """
    return (
        (np.asarray(distances, np.float64) <= config.max_distance)
        & (np.asarray(hash_bits, np.float64) <= config.max_hash_bits)
        & (np.asarray(color_differences, np.float64) <= config.max_color_difference)
    )


def _table(hashes: Hashes) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """(n, frames) hashes, 0 where unknown, and (n, frames) whether each is known."""
    num_frames = max((len(row) for row in hashes if row is not None), default=0)
    rows = [[None] * num_frames if row is None else row for row in hashes]
    odd = next((row for row in rows if len(row) != num_frames), None)
    if odd is not None:
        raise InputError(f"{len(odd)} hashes of one GIF and {num_frames} of another: they can't be compared")
    known = np.array([[value is not None for value in row] for row in rows], bool).reshape(len(rows), num_frames)
    bits = np.array([[value or 0 for value in row] for row in rows], np.int64).reshape(len(rows), num_frames)
    return bits, known
