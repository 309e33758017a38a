"""What every expert does with a vector."""

from __future__ import annotations

import numpy as np


def l2_normalised(embedding: np.ndarray) -> np.ndarray | None:
    """The vector (d,) over its length, float32; None where the length is 0 or no number."""
    length = float(np.sqrt(np.square(embedding, dtype=np.float64).sum()))
    return (embedding / length).astype(np.float32) if length > 0 else None
