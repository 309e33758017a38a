"""What a GIF's frames look like, in a few bytes. Equal pictures in other files have nearly equal hashes and colours."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

_GRID_SIDE, _HASH_SIDE = 32, 8
SAME_PICTURE = 1.0
"""Levels (root mean square over the averaged picture) below which two are one picture: what a video's codec adds."""
_RGB_TO_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
MARGIN = 0.25
"""Grey levels (root mean square over the picture) by which a coefficient must exceed the median to set its bit. In
symmetric pictures half of the coefficients are 0, and so is the median: without MARGIN dither would set those bits."""
MIN_COEFFICIENTS = 12
"""A picture with fewer coefficients further than MARGIN from the median has no hash. It is flat, or one edge, and
would equal every other picture like it."""


@dataclass(frozen=True)
class FrameHashes:
    """Of n pictures: signed 64-bit hashes, None for too little to tell, and quarter_colors, 12 bytes each."""

    hashes: tuple[int | None, ...]
    colors: bytes


def hash_frames(frames: torch.Tensor) -> FrameHashes:
    """Hashes and colours of the pictures among the frames (n, 3, size, size) uint8 RGB, as they first appear.

    A frame that looks like an earlier one (SAME_PICTURE) shows no new picture. So a picture that stands, or comes back,
    says as much as one that is seen once, whether a file writes it as one frame or as many.
    """
    grid = averaged(frames)  # (n, 3, 32, 32)
    grid = grid[_unlike(grid)]
    return FrameHashes(tuple(perceptual_hashes(grid)), quarter_colors(grid).tobytes())


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


def _unlike(grid: npt.NDArray[np.float32]) -> list[int]:
    """The places of the averaged pictures (n, 3, 32, 32) that look like no earlier one of them."""
    kept: list[int] = []
    for place, picture in enumerate(grid):
        if not kept or np.square(grid[kept] - picture).mean(axis=(1, 2, 3)).min() >= SAME_PICTURE**2:
            kept.append(place)
    return kept
