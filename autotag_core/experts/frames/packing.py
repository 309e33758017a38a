"""Packs frames of many GIFs into one row of bytes, which is copied to a device at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def pack(pieces: Sequence[torch.Tensor], num_frames: int, size: int, pinned: bool) -> torch.Tensor:
    """Frames (num_frames, 3, size, size) uint8: the pieces (k, 3, size, size) in their order, then black ones.

    A GPU copies from pinned memory while the host goes on.
    """
    import torch

    data = torch.empty((num_frames, 3, size, size), dtype=torch.uint8, pin_memory=pinned)
    start = 0
    for piece in pieces:
        data[start : start + len(piece)].copy_(piece)
        start += len(piece)
    data[start:].zero_()
    return data
