"""Changes the frames of a GIF as a model may see them next time: all frames alike, and more for rare labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from autotag_core.frames.sampling import spread_evenly


@dataclass(frozen=True)
class Augmentation:
    """How far frames may be changed. Each setting is what strength 1 allows.

    A GIF that is drawn at most once in an epoch has strength `common`. One that is drawn as often as max_repeats allows
    has up to 1: a GIF that is seen often must look different each time. Hues stay, since colours are labels. Time never
    runs backwards, since rising is not falling.
    """

    common: float = 0.4
    crop: float = 0.6
    """Share of the area that may be cut away."""
    flip: bool = True
    """Mirrored half the time, but never if something is written in the GIF. Off where labels say left and right."""
    colour: float = 0.4
    """By how much brightness, contrast and saturation may differ."""
    speed: float = 1.5
    """Played up to this many times as fast or as slow."""
    time_jitter: float = 0.5
    """How much earlier or later a frame may be taken, in frames."""
    frame_drop: float = 0.15
    """Share of the frames that may be missing."""

    def strength(self, rate: float, max_repeats: float) -> float:
        """Strength for a GIF that is drawn `rate` times an epoch: it grows with the logarithm, common .. 1."""
        if rate <= 1 or max_repeats <= 1:
            return self.common
        return self.common + (1 - self.common) * min(1.0, math.log(rate) / math.log(max_repeats))


def chosen_frames(num_frames: int, num_wanted: int) -> list[int]:
    """min(num_frames, num_wanted) frame indices, evenly spread: the frames seen without augmentation."""
    return spread_evenly(num_frames, min(num_frames, num_wanted))


def jittered_frames(
    num_frames: int, num_wanted: int, augmentation: Augmentation, strength: float, rng: np.random.Generator
) -> list[int]:
    """At least one and at most num_wanted frame indices, in the order in which they are seen.

    A GIF played slower shows only a part, with some frames repeated. Played faster, it starts again, as GIFs do.
    """
    m = min(num_frames, num_wanted)
    speed = augmentation.speed ** (strength * rng.uniform(-1, 1))
    length = num_frames * speed
    start = rng.uniform(0, max(num_frames - length, 0.0))
    jitter = augmentation.time_jitter * strength * rng.uniform(-1, 1, m)
    indices = np.floor(start + (np.arange(m) + 0.5) * length / m + jitter).astype(int)
    indices = np.maximum.accumulate(np.maximum(indices, 0)) % num_frames
    kept = rng.random(m) >= augmentation.frame_drop * strength
    kept[rng.integers(m)] = True
    return [int(index) for index in indices[kept]]


def augmented(
    frames: torch.Tensor, augmentation: Augmentation, strength: float, may_flip: bool, rng: np.random.Generator
) -> torch.Tensor:
    """The frames (n, 3, size, size) uint8, cropped and scaled back, mirrored, recoloured; all frames alike."""
    from torchvision.transforms.v2 import functional as F

    size = list(frames.shape[-2:])
    top, left, height, width = _crop(size, augmentation.crop * strength, rng)
    frames = F.resized_crop(frames, top, left, height, width, size, antialias=True)
    if augmentation.flip and may_flip and rng.random() < 0.5:
        frames = F.horizontal_flip(frames)
    return _recoloured(frames, 1 + augmentation.colour * strength * rng.uniform(-1, 1, 3))


def _crop(size: Sequence[int], cut: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """top, left, height, width: at least 1 - cut of the area, its sides in a ratio of up to 4 : 3."""
    height, width = size
    area = rng.uniform(1 - cut, 1) * height * width
    ratio = (4 / 3) ** (min(1, 2 * cut) * rng.uniform(-1, 1))
    high = min(height, max(1, round(math.sqrt(area / ratio))))
    wide = min(width, max(1, round(math.sqrt(area * ratio))))
    return int(rng.integers(height - high + 1)), int(rng.integers(width - wide + 1)), high, wide


def _recoloured(frames: torch.Tensor, factors: np.ndarray) -> torch.Tensor:
    """Brightness, then contrast, then saturation, as torchvision's adjust_ functions do, but with the GIF's own mean.

    Brightness blends with black, contrast with the mean grey (of every fourth pixel), saturation with each pixel's
    grey. Together they are one matrix for the colours and one shift, so pixels are touched once instead of three times.
    """
    brightness, contrast, saturation = (float(factor) for factor in factors)
    grey = torch.tensor([0.2989, 0.587, 0.114])
    mean = brightness * float(grey @ frames[..., ::4, ::4].float().mean((0, 2, 3)))
    matrix = brightness * contrast * (saturation * torch.eye(3) + (1 - saturation) * grey.expand(3, 3))
    mixed = torch.einsum("oc,nchw->nohw", matrix, frames.float())
    return mixed.add_((1 - contrast) * mean + 0.5).clamp_(0, 255).to(torch.uint8)
