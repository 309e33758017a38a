"""Frames and canvases of many GIFs in one row of bytes, which is copied to a device at once, and out of it again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Packed:
    """Bytes in host memory, and what they are: runs of (n, 3, size, size) frames or (n, height, width, 4) canvases."""

    data: torch.Tensor
    runs: tuple[tuple[int, ...], ...]


def pack(pieces: Sequence[torch.Tensor], num_frames: int, size: int, pinned: bool) -> Packed:
    """Pieces (k, 3, size, size) or (k, 4, height, width), uint8, in their order, then black frames up to num_frames.

    Neighbors of one shape become one run. Pinned memory is what a GPU copies from while the host goes on.
    """
    import torch

    missing = num_frames - sum(map(len, pieces))
    if missing:
        pieces = [*pieces, torch.zeros((1, 1, 1, 1), dtype=torch.uint8).expand(missing, 3, size, size)]
    # canvases as they lie in memory
    pieces = [piece.permute(0, 2, 3, 1) if piece.shape[1] == 4 else piece for piece in pieces]
    data = torch.empty(sum(piece.numel() for piece in pieces), dtype=torch.uint8, pin_memory=pinned)
    runs: list[tuple[int, ...]] = []
    start = 0
    for piece in pieces:
        stop = start + piece.numel()
        data[start:stop].view(piece.shape).copy_(piece)
        if runs and runs[-1][1:] == tuple(piece.shape[1:]):
            runs[-1] = (runs[-1][0] + len(piece), *piece.shape[1:])
        else:
            runs.append(tuple(piece.shape))
        start = stop
    return Packed(data, tuple(runs))


def unpack(data: torch.Tensor, runs: Sequence[tuple[int, ...]], size: int) -> torch.Tensor:
    """Frames (n, 3, size, size) uint8 of packed bytes, wherever these are; canvases are fitted there, run by run."""
    import torch

    from autotag_core.frames import fit_canvases

    found = []
    start = 0
    for shape in runs:
        stop = start + math.prod(shape)
        piece = data[start:stop].view(shape)
        found.append(piece if shape[1:] == (3, size, size) else fit_canvases(piece.permute(0, 3, 1, 2), size))
        start = stop
    return found[0] if len(found) == 1 else torch.cat(found)
