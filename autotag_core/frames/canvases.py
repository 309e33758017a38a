"""Composited canvases of the sampled frames at native resolution, in one pass over the file."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, WebPImagePlugin

from autotag_core.frames.gif_canvas import GifCanvas, plan_frames, strips
from autotag_core.frames.header import STILL_FORMATS, Header, undecodable
from autotag_core.frames.webp_chunks import read_webp_chunks

Pixels = NDArray[np.uint8]


class Canvas(NamedTuple):
    """One sampled frame as a viewer shows it. `damaged`: some pixels of it, or of a frame below it, are unreadable."""

    frame_index: int
    pixels: Pixels  # (height, width, 4): R, G, B, 255. Valid until the next frame is asked for
    damaged: bool


def composite_frames(
    data: bytes, header: Header, indices: Sequence[int], background: tuple[int, int, int]
) -> Iterator[Canvas]:
    """The sampled frames in ascending order, composited on the background colour, which unpainted pixels keep.

    A frame without one readable pixel is left out. A pixel has four bytes because the resize is fastest on four.
    """
    if header.format == "GIF":
        return _composite_gif(data, header, indices, background)
    if header.format == "WEBP":
        return _composite_webp(data, header, indices, background)
    return _composite_still(data, header, background)


def _composite_gif(
    data: bytes, header: Header, indices: Sequence[int], background: tuple[int, int, int]
) -> Iterator[Canvas]:
    canvas = GifCanvas(data, header.width, header.height, background)
    left = list(indices)
    try:
        for shown in _follow_plan(canvas, header, indices, trust_covers=True):
            yield shown
            left.remove(shown.frame_index)
    except _NoCoverError:
        # at most once a file, so that hostile files take at most twice the pixels they were checked for
        canvas.clear()
        yield from _follow_plan(canvas, header, left, trust_covers=False)


class _NoCoverError(Exception):
    """Pixels are missing in a frame that should cover the canvas, and what lies under it is no longer known."""


def _follow_plan(canvas: GifCanvas, header: Header, indices: Sequence[int], trust_covers: bool) -> Iterator[Canvas]:
    frames = header.gif_frames
    damaged = False
    for step in plan_frames(frames, header.width, header.height, indices, trust_covers):
        frame = frames[step.frame_index]
        if step.clear:
            canvas.clear()
            damaged = False
        if not step.paint:
            canvas.skip(frame)
            continue
        num_missing, num_painted = canvas.paint(frame)
        if trust_covers and step.clear and frame.opaque and num_missing:
            raise _NoCoverError
        damaged = damaged or num_missing > 0
        if step.sampled and (num_painted or not num_missing):
            yield Canvas(step.frame_index, canvas.pixels(), damaged)


def _composite_webp(
    data: bytes, header: Header, indices: Sequence[int], background: tuple[int, int, int]
) -> Iterator[Canvas]:
    if header.truncated:
        data = _cut_to_whole_chunks(data)
    image = WebPImagePlugin.WebPImageFile(io.BytesIO(data))
    if image.size != (header.width, header.height):
        raise undecodable(f"the canvas is {image.size}, its header says {(header.width, header.height)}")
    for index in indices:
        image.seek(index)
        if not _load(image):
            return
        yield Canvas(index, _on_background(image, background), damaged=False)


def _cut_to_whole_chunks(data: bytes) -> bytes:
    """The file without its last, cut chunk, and with a length that fits: libwebp reads whole files only."""
    chunks = read_webp_chunks(data)
    end = chunks.end if chunks else len(data)
    return data[:4] + struct.pack("<I", end - 8) + data[8:end]


def _composite_still(data: bytes, header: Header, background: tuple[int, int, int]) -> Iterator[Canvas]:
    image = STILL_FORMATS[header.format](io.BytesIO(data))
    damaged = not _load(image)
    # the rows that a cut file does not reach are zero
    bottom = image.height
    if damaged:
        box = image.getbbox(alpha_only=False)
        if box is None:
            return
        bottom = box[3]
    pixels = _on_background(image, background)
    pixels[bottom:, :, :3] = background
    yield Canvas(0, pixels, damaged)


def _load(image: ImageFile.ImageFile) -> bool:
    """Decode the image. False where its data is broken: then the image holds what could be decoded."""
    try:
        image.load()
    except MemoryError:
        raise
    except Exception:  # Pillow raises errors of many classes on broken files, none of them its own
        image.tile = []  # otherwise every later access would try to load again, and raise again
        return False
    return True


def _on_background(image: Image.Image, background: tuple[int, int, int]) -> Pixels:
    """A copy of the image's pixels on the background colour, (height, width, 4). Takes little more memory than that."""
    pixels = np.empty((image.height, image.width, 4), np.uint8)
    for rows in strips(image.height, image.width):
        strip = image.crop((0, rows.start, image.width, rows.stop))
        pixels[rows] = np.asarray(_strip_on_background(strip, background))
    return pixels


def _strip_on_background(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey
        image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
    rgba = image.convert("RGBA")
    if not image.has_transparency_data:
        return rgba
    under = Image.new("RGBA", rgba.size, (*background, 255))
    under.alpha_composite(rgba)
    return under
