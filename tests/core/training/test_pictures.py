"""Stored frames come back as they were, nearly."""

from __future__ import annotations

import pytest
import torch

from autotag_core.training.pictures import decode_frames, encode_frames


@pytest.mark.parametrize("kind", ["jpeg", "webp"])
def test_frames_come_back_in_order_within_the_loss_of_their_kind(kind: str) -> None:
    ramp = torch.arange(0, 256, 4, dtype=torch.uint8).expand(3, 64, 64)
    frames = torch.stack([ramp, ramp.flip(-1), torch.zeros_like(ramp)])
    files = encode_frames(frames, kind, 90)
    assert sum(map(len, files)) < 6_000
    assert (decode_frames(files).int() - frames.int()).abs().float().mean() < 2


def test_no_other_kind_is_taken_or_read() -> None:
    with pytest.raises(ValueError, match="stored as jpeg or webp, not as 'png'"):
        encode_frames(torch.zeros(1, 3, 4, 4, dtype=torch.uint8), "png", 90)
    file = encode_frames(torch.zeros(1, 3, 64, 64, dtype=torch.uint8), "jpeg", 90)[0]
    for broken in (b"\x89PNG", b"", file[: len(file) // 2]):
        with pytest.raises(ValueError, match=f"a stored frame of {len(broken)} bytes can't be decoded"):
            decode_frames([file, broken])
