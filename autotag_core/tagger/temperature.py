"""From logits to probabilities that mean what they say: one temperature, fitted on validation GIFs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LIMITS = (0.05, 20.0)


def fit_temperature(logits: Floats, is_right: NDArray[np.bool_]) -> float:
    """T at which sigmoid(logits / T) is the likeliest for right tags (n, c) (Guo et al. 2017). 1 without pairs."""
    from scipy.optimize import minimize_scalar

    if not logits.size:
        return 1.0

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        return float((np.logaddexp(0, scaled) - is_right * scaled).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(LIMITS)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def scaled_probabilities(logits: Floats, temperature: float) -> Floats:
    """sigmoid(logits / T)."""
    return np.asarray(np.exp(-np.logaddexp(0, -logits / temperature)), np.float64)
