"""The features of a GIF's frames as bytes, as the pass over frames hands them to the `temporal` expert."""

from __future__ import annotations

import numpy as np

_FLOAT16 = np.dtype("<f2")


def pack_features(features: np.ndarray) -> bytes:
    """Features (n, d) as little-endian float16, row by row. What float16 can't hold becomes its largest number."""
    largest = np.finfo(np.float16).max
    return np.clip(features, -largest, largest).astype(_FLOAT16).tobytes()


def unpack_features(data: bytes, num_frames: int) -> np.ndarray:
    """What pack_features wrote for a GIF of num_frames: (num_frames, d) float16; ValueError where it is cut."""
    return np.frombuffer(data, _FLOAT16).reshape(num_frames, -1)
