"""What a GIF's frames look like, in a few bytes. Equal pictures in other files have nearly equal hashes and colours."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from autotag_core.frames.sampling import sample_indices, spread_evenly

if TYPE_CHECKING:
    import torch

NUM_HASHES = 4
"""Frames of a GIF that are hashed."""
_GRID_SIDE, _HASH_SIDE = 32, 8
_STEP = 16
_RGB_TO_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
MARGIN = 0.25
"""Grey levels (root mean square over the picture) by which a coefficient must exceed the median to set its bit. In
symmetric pictures half of the coefficients are 0, and so is the median: without MARGIN dither would set those bits."""
MIN_COEFFICIENTS = 12
"""A picture with fewer coefficients further than MARGIN from the median has no hash. It is flat, or one edge, and
would equal every other picture like it."""


@dataclass(frozen=True)
class FrameHashes:
    """Of NUM_HASHES pictures: signed 64-bit hashes, None for too little to tell, and quarter_colors, 12 bytes each."""

    hashes: tuple[int | None, ...]
    colors: bytes


def hash_frames(frames: torch.Tensor, indices: Sequence[int], delays_ms: Sequence[int]) -> FrameHashes:
    """Hashes and colours of four of the distinct pictures among the frames, in the order in which they first appear.

    `frames` (n, 3, size, size) uint8 RGB are frames number `indices` (ascending) of a file with these delays. Each
    stands until the next of them. Of more than four distinct pictures those are taken that sample_indices takes by
    time: the ones shown at t_j = (j + 0.5) T / 4, and others where one of them is shown at several t_j. Of fewer than
    four, some are taken twice: number floor((j + 0.5) n / 4).

    So a copy that plays faster or slower, or that writes a standing picture as one frame instead of many, shows the
    same ones. And a title that holds most of the loop leaves three places to what moves.
    """
    import torch

    pictures = _distinct(frames)
    times = dict.fromkeys(pictures, 0)
    for place, shown_ms in zip(pictures, _shown_ms(indices, delays_ms), strict=True):
        times[place] += shown_ms
    distinct = list(times)
    if len(distinct) > NUM_HASHES:
        distinct = [distinct[i] for i in sample_indices(list(times.values()), NUM_HASHES, "time")]
    grid = averaged(torch.stack([frames[place] for place in distinct]))  # (<= 4, 3, 32, 32)
    hashes, colors = perceptual_hashes(grid), quarter_colors(grid)
    order = spread_evenly(len(distinct), NUM_HASHES)
    return FrameHashes(tuple(hashes[i] for i in order), b"".join(colors[i].tobytes() for i in order))


def averaged(pictures: torch.Tensor) -> npt.NDArray[np.float32]:
    """Pictures (n, 3, size, size) uint8 averaged over areas to (n, 3, 32, 32). An area may end within a pixel."""
    areas = _areas(pictures.shape[-1])  # (32, size)
    averages: npt.NDArray[np.float32] = (areas @ pictures.float() @ areas.T).numpy()
    return averages


def perceptual_hashes(grid: npt.NDArray[np.float32]) -> list[int | None]:
    """The signed 64-bit DCT hash of each averaged picture (n, 3, 32, 32) RGB; None where there is too little in it.

    c_uv = sum_yx C_uy C_vx grey_yx for u, v = 0 .. 7, with BT.601's grey. C is the orthonormal DCT-II: C_uy =
    sqrt(2 / 32) cos(pi u (2 y + 1) / 64), C_0y = sqrt(1 / 32). Bit 8 u + v is set where c_uv > median + 32 MARGIN; the
    median is that of the 63 coefficients without c_00. Bit 0, brightness alone, is never set. After Zauner 2010,
    "Implementation and Benchmarking of Perceptual Image Hash Functions", and pHash.
    """
    grey = np.tensordot(grid, _RGB_TO_GREY, axes=(1, 0))  # (n, 32, 32)
    basis = _basis()
    coefficients = (basis @ grey @ basis.T).reshape(len(grey), -1)[:, 1:]  # (n, 63)
    above = coefficients - np.median(coefficients, axis=1, keepdims=True)
    margin = MARGIN * _GRID_SIDE
    bits = np.zeros((len(grey), 64), np.uint8)
    bits[:, 1:] = above > margin
    packed = np.packbits(bits, axis=1, bitorder="little").view("<i8")[:, 0]  # (n,)
    tells = (np.abs(above) > margin).sum(axis=1) >= MIN_COEFFICIENTS
    return [int(value) if told else None for value, told in zip(packed, tells, strict=True)]


def quarter_colors(grid: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Mean RGB of the quarters of each picture, (n, 2, 2, 3) by row, column and channel, from (n, 3, 32, 32)."""
    half = _GRID_SIDE // 2
    means = grid.reshape(len(grid), 3, 2, half, 2, half).mean(axis=(3, 5))  # (n, 3, 2, 2)
    return means.round().clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


@functools.lru_cache(maxsize=4)
def _areas(size: int) -> torch.Tensor:
    """(32, size): the share that each pixel has in each area; rows sum to 1."""
    import torch

    edges = np.linspace(0, size, _GRID_SIDE + 1)
    pixels = np.arange(size)
    covered = np.minimum(pixels + 1, edges[1:, None]) - np.maximum(pixels, edges[:-1, None])
    return torch.from_numpy((covered.clip(min=0) * _GRID_SIDE / size).astype(np.float32))


@functools.lru_cache(maxsize=1)
def _basis() -> npt.NDArray[np.float32]:
    """(8, 32): the first rows of the orthonormal DCT-II."""
    frequencies, places = np.arange(_HASH_SIDE)[:, None], np.arange(_GRID_SIDE)
    cosines = np.cos(np.pi * frequencies * (2 * places + 1) / (2 * _GRID_SIDE)) * np.sqrt(2 / _GRID_SIDE)
    cosines[0] = np.sqrt(1 / _GRID_SIDE)
    return cosines.astype(np.float32)


def _distinct(frames: torch.Tensor) -> list[int]:
    """For each frame the place of the first one that is equal to it."""
    import torch

    points = frames[:, :, ::_STEP, ::_STEP].numpy()  # tells most frames apart without reading them whole
    seen: dict[bytes, list[int]] = {}
    places = []
    for place, frame in enumerate(frames):
        alike = seen.setdefault(points[place].tobytes(), [])
        equal = next((other for other in alike if torch.equal(frames[other], frame)), place)
        if equal == place:
            alike.append(place)
        places.append(equal)
    return places


def _shown_ms(indices: Sequence[int], delays_ms: Sequence[int]) -> list[int]:
    """How long each of these frames stands if it stands until the next; the first one stands from the start."""
    ends = [0, *accumulate(delays_ms)]
    starts = [0, *(ends[index] for index in indices[1:]), ends[-1]]
    return [end - start for start, end in pairwise(starts)]
