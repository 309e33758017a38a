"""Frames as JPEG or WebP files in memory, and back."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def encode_frames(frames: torch.Tensor, kind: str, quality: int) -> list[bytes]:
    """One file for each frame of (n, 3, height, width) uint8 RGB. ValueError unless `kind` is jpeg or webp."""
    if kind not in ("jpeg", "webp"):
        raise ValueError(f"frames can be stored as jpeg or webp, not as {kind!r}")
    return [_encode(frame.permute(1, 2, 0).numpy(), kind, quality) for frame in frames]


def _encode(pixels: NDArray[np.uint8], kind: str, quality: int) -> bytes:
    from PIL import Image

    file = io.BytesIO()
    # method is the effort, 0 to 6, for a smaller WebP; the default, 4, saves a tenth and takes half as long again
    Image.fromarray(pixels).save(file, kind.upper(), quality=quality, **({"method": 2} if kind == "webp" else {}))
    return file.getvalue()


def decode_frames(files: Sequence[bytes]) -> torch.Tensor:
    """(n, 3, height, width) uint8 RGB of n >= 1 files of one size, JPEG or WebP. ValueError where one is neither."""
    import cv2

    pixels: list[Any] = [
        cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_COLOR_RGB) if file else None for file in files
    ]
    broken = [len(file) for file, found in zip(files, pixels, strict=True) if found is None]
    if broken:
        raise ValueError(f"a stored frame of {broken[0]:,} bytes can't be decoded: it is neither JPEG nor WebP, or cut")
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)
