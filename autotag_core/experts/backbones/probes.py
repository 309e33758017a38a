"""Drawn frames, the same on every machine: they check converted networks and give int8 its ranges."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

Draw = Callable[[int], "torch.Tensor"]
"""Number of frames -> pixels (n, 3, height, width) float32 as the network takes them, the same ones in every call."""
_SEED = 7


@functools.lru_cache(maxsize=2)
def drawn_frames(num_frames: int, size: int = 224) -> torch.Tensor:
    """One frame each of `num_frames` drawn GIFs (autotag_core/drawing): (num_frames, 3, size, size) uint8."""
    import torch
    from PIL import Image

    from autotag_core.drawing.drawing import draw_states
    from autotag_core.drawing.factors import recipe_of
    from autotag_core.frames import fit_frame

    frames = []
    for index in range(num_frames):
        states = draw_states(recipe_of(_SEED, index))
        state = states[len(states) // 2]
        white = Image.new("RGBA", state.size, "white")
        frames.append(fit_frame(np.array(Image.alpha_composite(white, state.convert("RGBA"))), size))
    return torch.stack(frames)
