"""In which order candidates come up: by score, or the weirder, the further from the obvious."""

from __future__ import annotations

import numpy as np

MAX_WEIRDNESS = 10
DRIFT = 0.03
"""Each step of weirdness aims this much below the best score. Scores of GIFs that fit lie within some 0.3 of it."""
TEMPERATURE = 0.01
"""Of each step: at 10 a GIF that is 0.1 off the aim comes up 2.7 times less often."""


def drawn_order(scores: np.ndarray, weirdness: float, seed: int) -> np.ndarray:
    """Positions of the scores (n,), first choice first.

    Weirdness 0: highest score first, ties in the given order, whatever the seed. Else positions are drawn without
    replacement, each with a chance of exp(-|score - aim| / temperature), by the Gumbel-max trick (Kool, van Hoof and
    Welling 2019). The aim is below the best score, so what is obvious comes up less.
    """
    if weirdness <= 0 or not len(scores):
        return np.argsort(-scores, kind="stable")
    aim = scores.max() - DRIFT * weirdness
    logits = -np.abs(scores - aim) / (TEMPERATURE * weirdness)
    return np.argsort(-(logits + np.random.default_rng(seed).gumbel(size=len(scores))), kind="stable")
