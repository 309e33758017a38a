"""Whether one GIF is the other one saved again, by their embeddings and the hashes and colours of their frames."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from autotag_core.config import DuplicatesConfig
from autotag_core.errors import InputError

Hashes = Sequence[Sequence[int | None] | None]
"""For each GIF the hashes of its pictures, signed 64 bits, None for one that has none. None: nothing is known."""
Colors = Sequence[bytes | None]
"""For each GIF the colours of the same pictures (media.frame_colors)."""
_COLOR_BYTES = 12
_BITS_PER_LEVEL = 4
"""So many bits of a hash weigh as much as a level of colour when a picture is looked for in another GIF."""
_NO_HASH = 64 / _BITS_PER_LEVEL
_PAIRS = 1000
"""Pairs at once: 20 MB for GIFs of 16 pictures."""
_BITS_OF_BYTE = np.array([value.bit_count() for value in range(256)], np.uint8)


def picture_distances(
    left: tuple[Hashes, Colors], right: tuple[Hashes, Colors]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """(hash bits 0..64, colour levels 0..255) in which the pictures of left[i] and right[i] differ, each (n,).

    Each picture is compared to the one of the other GIF that is most like it, by bits / 4 + levels. The result is the
    mean over a GIF's pictures, and of the two GIFs' means the larger. So order, speed and which frames were looked at
    do not matter, and a GIF that shows only a part of another is not its copy. In the literature: the symmetric chamfer
    distance. nan where nothing is known of a GIF, or where less than half of one's pictures have a hash to compare.
    InputError where there are not as many on the left as on the right, or colours do not belong to the hashes.
    """
    num = {len(part) for side in (left, right) for part in side}
    if len(num) > 1:
        raise InputError(f"hashes and colours of {', '.join(map(str, sorted(num)))} GIFs: they must be pairs")
    total = num.pop()
    bits, levels = np.full(total, np.nan), np.full(total, np.nan)
    known = [at for at in range(total) if all(part[at] for side in (left, right) for part in side)]
    for first in range(0, len(known), _PAIRS):
        chosen = known[first : first + _PAIRS]
        sides = [
            _Pictures.of([hashes[at] or () for at in chosen], [colors[at] or b"" for at in chosen])
            for hashes, colors in (left, right)
        ]
        bits[chosen], levels[chosen] = _compared(*sides)
    return bits, levels


@dataclass(frozen=True, eq=False)
class _Pictures:
    """The pictures of n GIFs, filled up to the m of the longest."""

    hashes: npt.NDArray[np.int64]
    """(n, m), 0 where there is none."""
    colors: npt.NDArray[np.int16]
    """(n, m, 12)"""
    is_there: npt.NDArray[np.bool_]
    """(n, m)"""
    has_hash: npt.NDArray[np.bool_]
    """(n, m)"""

    @classmethod
    def of(cls, hashes: Sequence[Sequence[int | None]], colors: Sequence[bytes]) -> _Pictures:
        odd = next((at for at, row in enumerate(hashes) if len(colors[at]) != _COLOR_BYTES * len(row)), None)
        if odd is not None:
            raise InputError(f"{len(hashes[odd])} hashes of a GIF and {len(colors[odd])} bytes of colours")
        lengths = np.array([len(row) for row in hashes])
        is_there = np.arange(lengths.max()) < lengths[:, None]
        flat = list(itertools.chain.from_iterable(hashes))
        values, has_hash = np.zeros(is_there.shape, np.int64), np.zeros(is_there.shape, bool)
        values[is_there] = [value or 0 for value in flat]
        has_hash[is_there] = [value is not None for value in flat]
        levels = np.zeros((*is_there.shape, _COLOR_BYTES), np.int16)
        levels[is_there] = np.frombuffer(b"".join(colors), np.uint8).reshape(-1, _COLOR_BYTES)
        return cls(values, levels, is_there, has_hash)


def _compared(left: _Pictures, right: _Pictures) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """picture_distances of n pairs, m and k pictures."""
    differing = (left.hashes[:, :, None] ^ right.hashes[:, None]).view(np.uint8)  # (n, m, 8 k)
    bits = _BITS_OF_BYTE[differing].reshape(*differing.shape[:2], -1, 8).sum(axis=3, dtype=np.int64)  # (n, m, k)
    levels = np.abs(left.colors[:, :, None] - right.colors[:, None]).mean(axis=3)
    both = left.has_hash[:, :, None] & right.has_hash[:, None]
    cost = np.where(both, bits / _BITS_PER_LEVEL, _NO_HASH) + levels
    cost[~(left.is_there[:, :, None] & right.is_there[:, None])] = np.inf
    known = np.where(both, bits, np.nan)
    bits_left, levels_left = _mean_nearest(cost, known, levels, left.is_there, axis=2)
    bits_right, levels_right = _mean_nearest(cost, known, levels, right.is_there, axis=1)
    return np.maximum(bits_left, bits_right), np.maximum(levels_left, levels_right)


def _mean_nearest(
    cost: npt.NDArray[np.float64],
    bits: npt.NDArray[np.float64],
    levels: npt.NDArray[np.float64],
    is_there: npt.NDArray[np.bool_],
    axis: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean bits and levels (n,) from each picture that is_there to the one along the axis that costs least."""
    nearest = np.expand_dims(cost.argmin(axis), axis)
    near_bits = np.take_along_axis(bits, nearest, axis).squeeze(axis)
    near_levels = np.take_along_axis(levels, nearest, axis).squeeze(axis)
    hashed = is_there & ~np.isnan(near_bits)
    num, num_hashed = is_there.sum(axis=1), hashed.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_bits = np.where(hashed, near_bits, 0).sum(axis=1) / num_hashed
    mean_bits[2 * num_hashed < num] = np.nan
    return mean_bits, np.where(is_there, near_levels, 0).sum(axis=1) / num


def is_duplicate(
    distances: npt.ArrayLike, hash_bits: npt.ArrayLike, color_differences: npt.ArrayLike, config: DuplicatesConfig
) -> npt.NDArray[np.bool_]:
    """Which pairs, with these imagenet distances (1 - cosine) and picture_distances, all (n,), are copies.

    All three must say so. The hash sees place, which an embedding averages away. The embedding sees what 64
    bits of light and shadow do not. Colour tells a recoloured set apart, to which both others are blind. A pair with
    nothing to compare (nan) is not a duplicate.
    """
    return (
        (np.asarray(distances, np.float64) <= config.max_distance)
        & (np.asarray(hash_bits, np.float64) <= config.max_hash_bits)
        & (np.asarray(color_differences, np.float64) <= config.max_color_difference)
    )
