"""What every expert does with a vector."""

from __future__ import annotations

import numpy as np


def l2_normalised(embedding: np.ndarray) -> np.ndarray | None:
    """The vector (d,) divided by its length, float32. None where the length in float64 is 0, infinite or NaN."""
    with np.errstate(over="ignore"):
        length = float(np.sqrt(np.square(embedding, dtype=np.float64).sum()))
    return (embedding / length).astype(np.float32) if 0 < length < np.inf else None
