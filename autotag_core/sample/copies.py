"""Copies of a GIF as people make them: saved again, resized, cropped, played at another speed."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from autotag_core.drawing.encoding import saved_gif
from autotag_core.errors import InputError

MIN_SCALE, MAX_SCALE = 0.5, 1.5
MAX_CROP = 0.08
"""Part of a side that is cut off, at most, at each of the four sides."""
MIN_SPEED, MAX_SPEED = 0.5, 2.0
_MIN_SIDE = 16
_CLEAR = 255


@dataclass(frozen=True)
class Animation:
    """A GIF's composited frames (RGBA) with milliseconds each, and the colours it is saved in, dithered or not."""

    frames: tuple[Image.Image, ...]
    delays_ms: tuple[int, ...]
    colors: int = 128
    dither: Image.Dither = Image.Dither.NONE


CopyKind = Callable[[Animation, random.Random], Animation]


def copy_gif(data: bytes, kinds: Sequence[str], rng: random.Random) -> bytes:
    """The GIF changed in each of these ways (keys of COPY_KINDS) in turn. Without any, the bytes are the same.

    Every changed copy has a palette of its own. The same rng state gives the same bytes. InputError for another name.
    """
    unknown = sorted(set(kinds) - set(COPY_KINDS))
    if unknown:
        raise InputError(f"no kind of copy is named {', '.join(unknown)}: they are {', '.join(COPY_KINDS)}")
    if not kinds:
        return data
    animation = read_animation(data)
    for kind in kinds:
        animation = COPY_KINDS[kind](animation, rng)
    return _saved(animation)


def read_animation(data: bytes) -> Animation:
    """All frames of a GIF, each as a viewer shows it."""
    frames, delays = [], []
    with Image.open(io.BytesIO(data)) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            frames.append(image.convert("RGBA"))
            delays.append(int(image.info.get("duration", 0)))
    return Animation(tuple(frames), tuple(delays))


def reencoded(animation: Animation, rng: random.Random) -> Animation:
    """The animation with fewer or more colours, with dither or without."""
    return replace(
        animation,
        colors=rng.choice([32, 64, 128, 200]),
        dither=rng.choice([Image.Dither.NONE, Image.Dither.FLOYDSTEINBERG]),
    )


def resized(animation: Animation, rng: random.Random) -> Animation:
    """The animation with each side MIN_SCALE to MAX_SCALE times as long."""
    scale = rng.uniform(MIN_SCALE, MAX_SCALE)
    width, height = (max(_MIN_SIDE, round(side * scale)) for side in animation.frames[0].size)
    frames = (frame.resize((width, height), Image.Resampling.BILINEAR) for frame in animation.frames)
    return replace(animation, frames=tuple(frames))


def cropped(animation: Animation, rng: random.Random) -> Animation:
    """The animation with up to MAX_CROP cut off each side, not the same at all sides."""
    width, height = animation.frames[0].size
    left, right = (round(rng.uniform(0, MAX_CROP) * width) for _ in range(2))
    top, bottom = (round(rng.uniform(0, MAX_CROP) * height) for _ in range(2))
    box = (left, top, width - right, height - bottom)
    return replace(animation, frames=tuple(frame.crop(box) for frame in animation.frames))


def retimed(animation: Animation, rng: random.Random) -> Animation:
    """Played MIN_SPEED to MAX_SPEED times as fast, or every second frame dropped and the others shown twice as long."""
    frames, delays = animation.frames, animation.delays_ms
    if len(frames) >= 4 and rng.random() < 0.5:
        pairs = zip(delays[::2], (*delays[1::2], 0), strict=False)
        return replace(animation, frames=frames[::2], delays_ms=tuple(first + second for first, second in pairs))
    speed = 2 ** rng.uniform(-1, 1)
    return replace(animation, delays_ms=tuple(max(20, round(delay / speed / 10) * 10) for delay in delays))


COPY_KINDS: dict[str, CopyKind] = {
    "reencoded": reencoded,
    "resized": resized,
    "cropped": cropped,
    "retimed": retimed,
}


def _saved(animation: Animation) -> bytes:
    """A looping GIF. One with transparent pixels is cleared between frames."""
    clear = any(frame.getchannel("A").histogram()[:128] != [0] * 128 for frame in animation.frames)
    palette = _palette(animation)
    frames = [_indexed(frame, palette, animation.dither) for frame in animation.frames]
    return saved_gif(frames, animation.delays_ms, 2 if clear else 1, _CLEAR if clear else None)


def _palette(animation: Animation) -> Image.Image:
    """Colours for all frames, from the first, middle and last."""
    frames = animation.frames
    width, height = frames[0].size
    chosen = Image.new("RGB", (width * 3, height))
    for column, frame in enumerate((frames[0], frames[len(frames) // 2], frames[-1])):
        chosen.paste(frame.convert("RGB"), (column * width, 0))
    return chosen.quantize(animation.colors, Image.Quantize.MEDIANCUT)


def _indexed(frame: Image.Image, palette: Image.Image, dither: Image.Dither) -> Image.Image:
    indexed = frame.convert("RGB").quantize(palette=palette, dither=dither)
    indexed.paste(_CLEAR, mask=frame.getchannel("A").point(lambda alpha: 255 if alpha < 128 else 0))
    return indexed
