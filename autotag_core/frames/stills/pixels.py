"""A decoded picture, and what every decoder of one needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

_STRIP_PIXELS = 1 << 18


class Picture(NamedTuple):
    """A decoded picture. `num_missing` of its pixels could not be read from the file; their alpha is 0."""

    pixels: Pixels  # (height, width, 4): R, G, B, alpha
    num_missing: int


def strips(height: int, width: int) -> Iterator[slice]:
    """The rows of a picture in pieces of about _STRIP_PIXELS, so steps that take many bytes a pixel take few in all."""
    num_rows = max(1, _STRIP_PIXELS // max(1, width))
    for top in range(0, height, num_rows):
        yield slice(top, min(top + num_rows, height))


def crop_rows(image: Image.Image, rows: slice) -> Image.Image:
    """These rows of the image, as an image."""
    return image.crop((0, rows.start, image.width, rows.stop))


def as_rgba(image: Image.Image, convert: Callable[[Image.Image], Pixels] | None = None) -> Pixels:
    """The image's pixels, (height, width, 4), converted a strip at a time."""
    pixels = np.empty((image.height, image.width, 4), np.uint8)
    for rows in strips(image.height, image.width):
        strip = crop_rows(image, rows)
        pixels[rows] = np.asarray(strip.convert("RGBA")) if convert is None else convert(strip)
    return pixels


def equal_pixels(one: Image.Image, other: Image.Image) -> NDArray[np.bool_]:
    """Where two images of one size and mode are equal, (height, width)."""
    equal = np.empty((one.height, one.width), bool)
    for rows in strips(one.height, one.width):
        differs = np.asarray(crop_rows(one, rows)) != np.asarray(crop_rows(other, rows))
        equal[rows] = ~(differs.any(axis=2) if differs.ndim == 3 else differs)
    return equal


def num_equal_rows(one: Image.Image, other: Image.Image) -> int:
    """How many rows from the top are equal in two images of one size and mode."""
    differing = np.flatnonzero(~equal_pixels(one, other).all(axis=1))
    return int(differing[0]) if len(differing) else one.height


def paint_over(canvas: Pixels, pixels: Pixels) -> None:
    """Paint pixels with alpha, (height, width, 4), on an opaque canvas of the same shape."""
    for rows in strips(*pixels.shape[:2]):
        under, over = canvas[rows], pixels[rows]
        alpha = over[..., 3:]
        if alpha.min(initial=255) == 255:
            under[...] = over
            continue
        share = alpha.astype(np.uint16)
        under[..., :3] = (over[..., :3] * share + under[..., :3] * (255 - share) + 127) // 255
