"""Changes examples a little each time they are learned from: size, colors, contrast, and where the cells begin."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from autotag_core.ocr.likelihood import CELL, GREY, MAX_SIDE
from benchmarks.text_likelihood.examples import Example

Floats = NDArray[np.float32]
_WINDOW = 10 * CELL + 8
"""Pixels: no more of a frame is learned from at a time. Its cells begin elsewhere each time."""
_NEAR_A_BOX = 0.6


def augmented(rng: Generator, example: Example) -> tuple[Floats, Example]:
    """Levels (h, w, 3) as the network takes them, about -0.5 to 0.5, and the example with its boxes moved to them.

    Nothing is mirrored: mirrored words are none.
    """
    pixels, boxes = example.pixels, example.boxes
    height, width = pixels.shape[:2]
    if rng.random() < 0.6:
        scale = min(rng.uniform(0.6, 1.35), MAX_SIDE / max(height, width))
        size = max(CELL, int(width * scale)), max(CELL, int(height * scale))
        larger = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_NEAREST
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else larger), np.uint8)
        boxes = boxes * np.array([size[0] / width, size[1] / height], np.float32)
    left, top = _corner(rng, boxes, pixels.shape[1], pixels.shape[0])
    pixels = pixels[top : top + _WINDOW, left : left + _WINDOW]
    moved = replace(example, boxes=(boxes - np.array([left, top])).astype(np.float32))
    if rng.random() < 0.5:
        pixels = pixels[:, :, rng.permutation(3)]
    levels = _recolored(rng, 255 - pixels if rng.random() < 0.3 else pixels)
    return (levels - GREY / 255).astype(np.float32), moved


def _corner(rng: Generator, boxes: Floats, width: int, height: int) -> tuple[int, int]:
    """Left and top of the window that is learned from: often around a box, else anywhere."""
    free = np.array([max(0, width - _WINDOW), max(0, height - _WINDOW)])
    if len(boxes) and rng.random() < _NEAR_A_BOX:
        center = boxes[int(rng.integers(len(boxes)))].mean(0)
        corner = np.clip(center - rng.uniform(0.2, 0.8, 2) * _WINDOW, 0, free)
    else:
        corner = rng.uniform(0, 1, 2) * free
    left, top = corner.astype(int)
    return int(left), int(top)


def _recolored(rng: Generator, pixels: NDArray[np.uint8]) -> Floats:
    """Levels 0..1 with another gamma, less contrast, some noise."""
    levels = pixels.astype(np.float32) / 255
    if rng.random() < 0.5:
        levels = levels ** np.float32(np.exp(rng.uniform(-0.5, 0.5)))
    if rng.random() < 0.4:
        contrast = rng.uniform(0.5, 1)
        levels = levels * np.float32(contrast) + np.float32(rng.uniform(0, 1 - contrast))
    if rng.random() < 0.2:
        levels = levels + rng.normal(0, rng.uniform(0, 0.04), levels.shape)
    return levels.astype(np.float32)
