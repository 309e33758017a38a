"""Composited canvases of the sampled frames at native resolution, in one pass over the file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from autotag_core.frames.frame_canvas import Frame, FrameCanvas, plan_frames
from autotag_core.frames.gif_canvas import GifCanvas
from autotag_core.frames.header import Header
from autotag_core.frames.patch_canvas import PatchCanvas
from autotag_core.frames.patches import Patch
from autotag_core.frames.stills.avif import AvifDecoder
from autotag_core.frames.stills.jpeg import decode_jpeg, read_jpeg
from autotag_core.frames.stills.orientation import orient
from autotag_core.frames.stills.pixels import Picture, Pixels, is_opaque, paint_over, strips
from autotag_core.frames.stills.png import read_png
from autotag_core.frames.stills.png_pixels import decode_png
from autotag_core.frames.stills.webp import decode_webp
from autotag_core.frames.videos.decode_video import decode_video


class Canvas(NamedTuple):
    """One sampled frame as a viewer shows it. `damaged`: some pixels of it, or of a frame below it, are unreadable."""

    frame_index: int
    pixels: Pixels  # (height, width, 4): R, G, B, 255. Valid until the next frame is asked for
    damaged: bool


def composite_frames(
    data: bytes,
    header: Header,
    indices: Sequence[int],
    background: tuple[int, int, int],
    check: Callable[[], None] = lambda: None,
) -> Iterator[Canvas]:
    """The sampled frames in ascending order, composited on the background colour, which unpainted pixels keep.

    A frame without one readable pixel is left out. A pixel has four bytes because the resize is fastest on four.
    `check` is called before each frame that is painted, and may raise.
    """
    if header.video is not None and header.format == "AVIF":
        return _composite_avif(data, header, indices, background, check)
    if header.video is not None:
        return (Canvas(*shown) for shown in decode_video(data, header.video, indices, check))
    if not header.frames:
        return _composite_still(data, header, background)
    if header.format == "GIF":
        canvas: FrameCanvas = GifCanvas(data, header.width, header.height, background)
    else:
        canvas = PatchCanvas(header.width, header.height, background, _patch_decoder(data, header))
    return _composite(canvas, header, indices, check)


class _NoCoverError(Exception):
    """Pixels are missing in a frame that should cover the canvas, and what lies under it is no longer known."""


def _composite(
    canvas: FrameCanvas, header: Header, indices: Sequence[int], check: Callable[[], None]
) -> Iterator[Canvas]:
    left = list(indices)
    try:
        for shown in _follow_plan(canvas, header, indices, check):
            yield shown
            left.remove(shown.frame_index)
    except _NoCoverError:
        # at most once a file. It can take more pixels than were checked for, but no more time
        canvas.clear()
        yield from _follow_plan(canvas, header, left, check, trust_covers=False)


def _follow_plan(
    canvas: FrameCanvas,
    header: Header,
    indices: Sequence[int],
    check: Callable[[], None],
    trust_covers: bool = True,
) -> Iterator[Canvas]:
    frames: Sequence[Frame] = header.frames
    damaged = False
    for step in plan_frames(frames, header.width, header.height, indices, trust_covers):
        frame = frames[step.frame_index]
        if step.clear:
            canvas.clear()
            damaged = False
        if not step.paint:
            canvas.skip(frame)
            continue
        check()
        num_missing, num_painted = canvas.paint(frame)
        if trust_covers and step.clear and frame.opaque and num_missing:
            raise _NoCoverError
        damaged = damaged or num_missing > 0
        if step.sampled and (num_painted or not num_missing):
            yield Canvas(step.frame_index, canvas.pixels(), damaged)


def _patch_decoder(data: bytes, header: Header) -> Callable[[Patch], Picture | None]:
    if header.format == "WEBP":
        return lambda patch: decode_webp(data, patch)
    png = read_png(data)
    assert png is not None
    return lambda patch: decode_png(data, png, patch)


def _composite_still(data: bytes, header: Header, background: tuple[int, int, int]) -> Iterator[Canvas]:
    picture = _decode_still(data, header)
    if picture is None:
        return
    pixels = picture.pixels
    _flatten(pixels, background)
    yield Canvas(0, orient(pixels, header.orientation), picture.num_missing > 0)


def _composite_avif(
    data: bytes, header: Header, indices: Sequence[int], background: tuple[int, int, int], check: Callable[[], None]
) -> Iterator[Canvas]:
    decoder = AvifDecoder(data, header.width, header.height)
    for index in indices:
        check()
        picture = decoder.decode(index)
        if picture is not None:
            _flatten(picture.pixels, background)
            yield Canvas(index, picture.pixels, False)


def _flatten(pixels: Pixels, background: tuple[int, int, int]) -> None:
    """Paint what is under transparent pixels, in place."""
    for rows in strips(*pixels.shape[:2]):
        if is_opaque(pixels[rows]):
            continue
        strip = np.empty_like(pixels[rows])
        strip[...] = (*background, 255)
        paint_over(strip, pixels[rows])
        pixels[rows] = strip


def _decode_still(data: bytes, header: Header) -> Picture | None:
    if header.format == "JPEG":
        jpeg = read_jpeg(data)
        return decode_jpeg(data, jpeg) if jpeg else None
    if header.format == "AVIF":
        return AvifDecoder(data, *header.stored_size).decode(0)
    if header.format == "PNG":
        png = read_png(data)
        return decode_png(data, png, png.pictures[0]) if png else None
    return decode_webp(data, Patch(0, 0, *header.stored_size, parts=((12, len(data)),)))
