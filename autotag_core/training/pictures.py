"""Frames as JPEG or WebP files in memory, and back."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal

import torch

Kind = Literal["jpeg", "webp"]


def encode_frames(frames: torch.Tensor, kind: str, quality: int) -> list[bytes]:
    """One file for each frame of (n, 3, height, width) uint8 RGB; ValueError for another kind than jpeg and webp."""
    if kind == "jpeg":
        from torchvision.io import encode_jpeg

        return [encode_jpeg(frame.contiguous(), quality).numpy().tobytes() for frame in frames]
    if kind == "webp":
        return [_as_webp(frame, quality) for frame in frames]
    raise ValueError(f"frames can be stored as jpeg or webp, not as {kind!r}")


def _as_webp(frame: torch.Tensor, quality: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    # method 0 to 6: the slowest saves a tenth of the bytes and takes five times as long
    Image.fromarray(frame.permute(1, 2, 0).numpy()).save(file, "WEBP", quality=quality, method=2)
    return file.getvalue()


def decode_frames(files: Sequence[bytes]) -> torch.Tensor:
    """(n, 3, height, width) uint8 RGB of n >= 1 files, JPEG or WebP, as their first bytes say; ValueError else."""
    return torch.stack([_decode(file) for file in files])


def _decode(file: bytes) -> torch.Tensor:
    from torchvision.io import ImageReadMode, decode_jpeg, decode_webp

    data = torch.frombuffer(bytearray(file), dtype=torch.uint8) if file else torch.empty(0, dtype=torch.uint8)
    try:
        if file[:3] == b"\xff\xd8\xff":
            return decode_jpeg(data, mode=ImageReadMode.RGB)
        if file[:4] == b"RIFF" and file[8:12] == b"WEBP":
            return decode_webp(data, mode=ImageReadMode.RGB)
    except RuntimeError as error:
        raise ValueError(f"a stored frame of {len(file):,} bytes can't be decoded: {str(error)[:200]}") from None
    raise ValueError(f"a stored frame of {len(file):,} bytes is neither JPEG nor WebP")
