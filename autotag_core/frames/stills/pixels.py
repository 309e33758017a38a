"""A decoded picture, and what every decoder of one needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

_STRIP_PIXELS = 1 << 18
_FAINTEST, _OPAQUE = np.uint32(1 << 24), np.uint32(255 << 24)  # the least packed pixels with alpha 1 and 255


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
        if convert is not None:
            pixels[rows] = convert(strip)
        else:
            pixels[rows] = np.asarray(strip if strip.mode == "RGBA" else strip.convert("RGBA"))
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


def is_opaque(pixels: Pixels) -> bool:
    """Whether no pixel of (height, width, 4) has a share of alpha below 255."""
    return bool((pixels.view("<u4") >= _OPAQUE).all())


def paint_over(canvas: Pixels, pixels: Pixels) -> None:
    """Paint pixels with alpha, (height, width, 4), on an opaque canvas of the same shape."""
    for rows in strips(*pixels.shape[:2]):
        under, over = canvas[rows], pixels[rows]
        packed = over.view("<u4")[..., 0]
        np.copyto(under.view("<u4")[..., 0], packed, where=packed >= _OPAQUE)
        is_faint = (packed >= _FAINTEST) & (packed < _OPAQUE)
        if is_faint.any():
            faint = over[is_faint]  # (n, 4)
            share = faint[:, 3:].astype(np.uint16)
            faint[:, :3] = (faint[:, :3] * share + under[is_faint][:, :3] * (255 - share) + 127) // 255
            faint[:, 3] = 255
            under[is_faint] = faint
