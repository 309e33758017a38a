"""The pixels of one picture of a PNG: of every depth and colour type, transparency, and what is left of a cut one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from autotag_core.frames.patches import Patch
from autotag_core.frames.stills.pixels import Picture, Pixels, as_rgba, equal_pixels
from autotag_core.frames.stills.png import PngFile

_GREY, _RGB, _INDEXED = 0, 2, 3
_MODES = {
    # (colour type, depth): Pillow's mode, and what its decoder calls the bytes
    (_GREY, 1): ("1", "1"),
    (_GREY, 2): ("L", "L;2"),
    (_GREY, 4): ("L", "L;4"),
    (_GREY, 8): ("L", "L"),
    (_GREY, 16): ("I;16", "I;16B"),
    (_RGB, 8): ("RGB", "RGB"),
    (_RGB, 16): ("RGB", "RGB;16B"),
    (_INDEXED, 1): ("P", "P;1"),
    (_INDEXED, 2): ("P", "P;2"),
    (_INDEXED, 4): ("P", "P;4"),
    (_INDEXED, 8): ("P", "P"),
    (4, 8): ("LA", "LA"),
    (4, 16): ("RGBA", "LA;16B"),
    (6, 8): ("RGBA", "RGBA"),
    (6, 16): ("RGBA", "RGBA;16B"),
}
_LOW_BYTES = "RGB;16L"  # of big-endian samples these are the second bytes
_FILLS: dict[str, tuple[int | tuple[int, ...], int | tuple[int, ...]]] = {
    "I;16": (0, 65535),
    "LA": ((0, 0), (255, 255)),
    "RGB": ((0, 0, 0), (255, 255, 255)),
    "RGBA": ((0, 0, 0, 0), (255, 255, 255, 255)),
}
# Adam7: of each pass the first row and column, the steps between them, and the block that a pixel stands for until
# later passes come
_PASSES = (
    (0, 0, 8, 8, 8, 8),
    (0, 4, 8, 8, 8, 4),
    (4, 0, 8, 4, 4, 4),
    (0, 2, 4, 4, 4, 2),
    (2, 0, 4, 2, 2, 2),
    (0, 1, 2, 2, 2, 1),
    (1, 0, 2, 1, 1, 1),
)


def decode_png(data: bytes, png: PngFile, patch: Patch) -> Picture | None:
    """One picture of the file, before its orientation; None where nothing of it can be read."""
    modes = _MODES.get((png.colour_type, png.depth))
    if modes is None:
        return None
    packed = b"".join(data[start:end] for start, end in patch.parts)
    image, is_whole = _decode(packed, png, patch, modes, None)
    known = None
    if not is_whole:
        # pixels that were not written keep the fill; every fill is also a colour, so decode with two fills
        low_fill, high_fill = _FILLS.get(modes[0], (0, 255))
        image = _decode(packed, png, patch, modes, low_fill)[0]
        known = equal_pixels(image, _decode(packed, png, patch, modes, high_fill)[0])
        if not known.any():
            return None
    pixels = _with_colours(image, png)
    del image  # before the next one is made
    if png.colour_type == _RGB and png.depth == 16 and len(png.transparency) >= 6:
        low_bytes, _ = _decode(packed, png, patch, ("RGB", _LOW_BYTES), 0)
        _clear_deep_colour(pixels, as_rgba(low_bytes), png.transparency)
    if known is None:
        return Picture(pixels, 0)
    num_missing = int(known.size - np.count_nonzero(known))
    if png.interlaced:
        _spread(pixels, known)
    else:
        pixels[~known] = 0
    return Picture(pixels, num_missing)


def _decode(
    packed: bytes, png: PngFile, patch: Patch, modes: tuple[str, str], fill: int | tuple[int, ...] | None
) -> tuple[Image.Image, bool]:
    """The image, and whether all of it is there."""
    image = Image.new(modes[0], (patch.width, patch.height), fill)
    try:
        image.frombytes(packed, "zip", (modes[1], png.interlaced))
    except (ValueError, OSError):
        return image, False
    return image, True


def _with_colours(image: Image.Image, png: PngFile) -> Pixels:
    """The image as RGBA. Transparent are the palette's shares of alpha, or the one grey or colour that tRNS names."""
    if image.mode == "P":
        table = _palette(png)
        return as_rgba(image, lambda strip: table[np.asarray(strip)])
    if image.mode == "I;16":
        return as_rgba(image, lambda strip: _deep_grey(np.asarray(strip), _samples(png, 1)))
    pixels = as_rgba(image)
    if png.colour_type == _GREY and (grey := _samples(png, 1)):
        pixels[pixels[..., 0] == grey[0] * (255 // ((1 << png.depth) - 1)), 3] = 0
    elif png.colour_type == _RGB and png.depth == 8 and (colour := _samples(png, 3)):
        pixels[(pixels[..., :3] == np.array(colour, np.uint8)).all(axis=2), 3] = 0
    return pixels


def _palette(png: PngFile) -> NDArray[np.uint8]:
    """(256, 4): RGBA of each index; black past the end."""
    table = np.zeros((256, 4), np.uint8)
    table[:, 3] = 255
    num_colours = min(len(png.palette) // 3, 256)
    table[:num_colours, :3] = np.frombuffer(png.palette, np.uint8, 3 * num_colours).reshape(-1, 3)
    num_alphas = min(len(png.transparency), 256)
    table[:num_alphas, 3] = np.frombuffer(png.transparency, np.uint8, num_alphas)
    return table


def _samples(png: PngFile, count: int) -> list[int]:
    """The transparent grey or colour in the file's own depth; none where there is no such chunk, or it is too short."""
    if len(png.transparency) < 2 * count:
        return []
    largest = (1 << png.depth) - 1
    return [int.from_bytes(png.transparency[2 * i : 2 * i + 2], "big") & largest for i in range(count)]


def _deep_grey(values: NDArray[np.uint16], transparent: list[int]) -> Pixels:
    pixels = np.empty((*values.shape, 4), np.uint8)
    pixels[..., :3] = (values >> 8)[..., None]
    pixels[..., 3] = np.where(values == transparent[0], 0, 255) if transparent else 255
    return pixels


def _clear_deep_colour(pixels: Pixels, low_bytes: Pixels, transparency: bytes) -> None:
    """Make pixels transparent whose three samples of 16 bits are those of tRNS."""
    colour = np.frombuffer(transparency, np.uint8, 6)
    is_high = (pixels[..., :3] == colour[0::2]).all(axis=2)
    pixels[is_high & (low_bytes[..., :3] == colour[1::2]).all(axis=2), 3] = 0


def _spread(pixels: Pixels, known: NDArray[np.bool_]) -> None:
    """Let the known pixels of a cut interlaced picture stand for their blocks, as browsers show it while it loads."""
    read = np.where(known[..., None], pixels, 0)
    pixels[...] = 0
    for top, left, down, right, height, width in _PASSES:
        sparse, is_known = read[top::down, left::right], known[top::down, left::right]
        for y in range(height):
            for x in range(width):
                target = pixels[top + y :: down, left + x :: right]
                rows, columns = target.shape[:2]
                np.copyto(target, sparse[:rows, :columns], where=is_known[:rows, :columns, None])
