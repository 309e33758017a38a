"""Frames and canvases in one row of bytes: what goes in comes out, in order, filled up, fitted."""

from __future__ import annotations

import torch

from autotag_core.experts.frames.packing import pack, unpack
from autotag_core.frames import fit_canvases

SIZE = 32


def frames(num: int) -> torch.Tensor:
    return torch.randint(0, 256, (num, 3, SIZE, SIZE), dtype=torch.uint8)


def canvases(num: int, height: int, width: int) -> torch.Tensor:
    """Channels last in memory, as the decoder keeps them."""
    return torch.randint(0, 256, (num, height, width, 4), dtype=torch.uint8).permute(0, 3, 1, 2)


def test_frames_come_out_as_they_went_in_and_black_ones_behind_them() -> None:
    pieces = [frames(2), frames(1), frames(3)[1:]]
    packed = pack(pieces, 8, SIZE, pinned=False)
    assert packed.runs == ((8, 3, SIZE, SIZE),)
    found = unpack(packed.data, packed.runs, SIZE)
    assert torch.equal(found, torch.cat([*pieces, torch.zeros(3, 3, SIZE, SIZE, dtype=torch.uint8)]))
    assert found.data_ptr() == packed.data.data_ptr(), "not copied once more"


def test_canvases_are_fitted_in_runs_of_one_shape_between_frames() -> None:
    pieces = [canvases(2, 50, 40), canvases(3, 50, 40)[1:], frames(1), canvases(1, 20, 70), canvases(1, 70, 20)]
    packed = pack(pieces, 8, SIZE, pinned=False)
    assert packed.runs == ((4, 50, 40, 4), (1, 3, SIZE, SIZE), (1, 20, 70, 4), (1, 70, 20, 4), (1, 3, SIZE, SIZE))
    fitted = [fit_canvases(piece, SIZE) if piece.shape[1] == 4 else piece for piece in pieces]
    wanted = torch.cat([*fitted, torch.zeros(1, 3, SIZE, SIZE, dtype=torch.uint8)])
    assert torch.equal(unpack(packed.data, packed.runs, SIZE), wanted)


def test_a_full_batch_is_not_filled_up() -> None:
    assert pack([frames(4)], 4, SIZE, pinned=False).runs == ((4, 3, SIZE, SIZE),)
