"""Frames in one row of bytes: in order, filled up with black ones."""

from __future__ import annotations

import torch

from autotag_core.experts.frames.packing import pack

SIZE = 32


def frames(num: int) -> torch.Tensor:
    return torch.randint(1, 256, (num, 3, SIZE, SIZE), dtype=torch.uint8)


def test_pieces_come_in_their_order_and_black_frames_behind_them() -> None:
    pieces = [frames(2), frames(1), frames(3)[1:]]
    found = pack(pieces, 8, SIZE, pinned=False)
    assert torch.equal(found, torch.cat([*pieces, torch.zeros(3, 3, SIZE, SIZE, dtype=torch.uint8)]))


def test_a_full_batch_is_not_filled_up() -> None:
    piece = frames(4)
    assert torch.equal(pack([piece], 4, SIZE, pinned=False), piece)
