"""A GIF's frames: the states that a thing goes through, and the order in which they play.

The states do not depend on the order. So the GIFs of one change (say growing, shrinking and pulsing) have the same
frames, and only their order tells which it is.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFont

from autotag_core.drawing.factors import Recipe, random_of
from autotag_core.drawing.pen import BLACK, WHITE, hsv
from autotag_core.drawing.scenes import draw_scene
from autotag_core.drawing.subjects import draw_subject

MIN_SIDE, MAX_SIDE = 120, 160
_GRID = 5


@dataclass(frozen=True)
class Placement:
    """One copy of the thing in one state: its center in 0..1 of the canvas, its size over the shorter side."""

    x: float
    y: float
    size: float
    degrees: float = 0.0
    opacity: float = 1.0


class Sprite:
    """A thing that is put on a canvas many times. Copies are kept by size and turn."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image.convert("RGBa")  # premultiplied, so that resizing leaves no dark rim
        self._copies: dict[tuple[int, float], Image.Image] = {}

    def copy(self, side: int, degrees: float) -> Image.Image:
        """An RGBA copy, `side` pixels before it is turned by degrees counterclockwise."""
        key = (side, degrees)
        if key not in self._copies:
            copy = self._image.resize((side, side), Image.Resampling.BILINEAR)
            if degrees:
                copy = copy.rotate(degrees, Image.Resampling.BILINEAR, expand=True)
            self._copies[key] = copy.convert("RGBA")
        return self._copies[key]


def playing_order(num_states: int, order: int) -> list[int]:
    """The order of states, each once: 0 forward, 1 backward, 2 there and back (even states up, odd ones down)."""
    forward = list(range(num_states))
    return [forward, forward[::-1], forward[0::2] + forward[1::2][::-1]][order]


def draw_states(recipe: Recipe) -> list[Image.Image]:
    """The states from least to most (small to large, low to high, few to many), whatever order they play in."""
    rng = random_of(recipe.seed, recipe.index, "canvas")
    size = rng.randint(MIN_SIDE, MAX_SIDE), rng.randint(MIN_SIDE, MAX_SIDE)
    sprite = Sprite(draw_subject(recipe.subject, recipe.seed, recipe.index))
    scene = draw_scene(recipe, size)
    words = draw_words(recipe, size) if recipe.phrase else None
    states = []
    for placements in place(recipe):
        canvas = scene.copy() if scene else Image.new("RGBA", size, (0, 0, 0, 0))
        for placement in placements:
            _paste(canvas, sprite, placement)
        if words:
            canvas.paste(words, (0, 0), words)
        if scene is None:
            canvas.putalpha(canvas.getchannel("A").point(lambda alpha: 255 if alpha >= 128 else 0))
        states.append(canvas)
    return states


def place(recipe: Recipe) -> list[list[Placement]]:
    """The copies of the thing in each state. A little jitter makes every state a different picture."""
    rng = random_of(recipe.seed, recipe.index, "placement")
    home = Placement(rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.58), rng.uniform(0.5, 0.8), rng.uniform(-8, 8))
    if recipe.change is None:
        return [[home]]
    count = recipe.num_frames
    states = _CHANGES[recipe.change](home, count, rng)
    return [[_jitter(placement, rng) for placement in state] for state in states]


def _jitter(placement: Placement, rng: random.Random) -> Placement:
    return Placement(
        placement.x + rng.uniform(-0.01, 0.01),
        placement.y + rng.uniform(-0.01, 0.01),
        placement.size,
        placement.degrees,
        placement.opacity,
    )


def _size(home: Placement, count: int, rng: random.Random) -> list[list[Placement]]:
    small, large = rng.uniform(0.15, 0.3), rng.uniform(0.8, 1.05)
    sizes = [small + (large - small) * i / (count - 1) for i in range(count)]
    return [[Placement(home.x, home.y, size, home.degrees)] for size in sizes]


def _opacity(home: Placement, count: int, rng: random.Random) -> list[list[Placement]]:
    lowest = rng.uniform(0.05, 0.15)
    levels = [lowest + (1 - lowest) * i / (count - 1) for i in range(count)]
    return [[Placement(home.x, home.y, home.size, home.degrees, level)] for level in levels]


def _height(home: Placement, count: int, rng: random.Random) -> list[list[Placement]]:
    low, high, size = rng.uniform(0.9, 1.05), rng.uniform(0.1, 0.25), home.size * 0.8
    heights = [low + (high - low) * i / (count - 1) for i in range(count)]
    return [[Placement(home.x, y, size, home.degrees)] for y in heights]


def _side(home: Placement, count: int, rng: random.Random) -> list[list[Placement]]:
    left, right, size = rng.uniform(-0.05, 0.1), rng.uniform(0.9, 1.05), home.size * 0.8
    places = [left + (right - left) * i / (count - 1) for i in range(count)]
    return [[Placement(x, home.y, size, home.degrees)] for x in places]


def _turn(home: Placement, count: int, rng: random.Random) -> list[list[Placement]]:
    return [[Placement(home.x, home.y, home.size, home.degrees - 360 * i / count)] for i in range(count)]


def _number(home: Placement, count: int, rng: random.Random) -> list[list[Placement]]:
    cells = [((i % _GRID + 0.5) / _GRID, (i // _GRID + 0.5) / _GRID) for i in range(_GRID * _GRID)]
    rng.shuffle(cells)
    size = rng.uniform(0.22, 0.3)
    copies = [Placement(x, y, size, home.degrees) for x, y in cells[:count]]
    return [copies[: i + 1] for i in range(count)]


_CHANGES: dict[str, Callable[[Placement, int, random.Random], list[list[Placement]]]] = {
    "size": _size,
    "opacity": _opacity,
    "height": _height,
    "side": _side,
    "turn": _turn,
    "number": _number,
}


def _paste(canvas: Image.Image, sprite: Sprite, placement: Placement) -> None:
    """Put the sprite on the canvas. A sticker's pixels can't be half transparent, so opacity becomes grain."""
    width, height = canvas.size
    copy = sprite.copy(max(4, round(placement.size * min(width, height))), placement.degrees)
    mask = copy.getchannel("A")
    if placement.opacity < 1:
        if canvas.mode == "RGBA":
            grain = _grain(copy.size).point([255 * (level < placement.opacity * 255) for level in range(256)])
            mask = ImageChops.multiply(mask, grain)
        else:
            mask = mask.point([round(value * placement.opacity) for value in range(256)])
    corner = round(placement.x * width - copy.width / 2), round(placement.y * height - copy.height / 2)
    if canvas.mode == "RGBA":
        canvas.alpha_composite(_with_alpha(copy, mask), (max(0, corner[0]), max(0, corner[1])), _inside(corner))
    else:
        canvas.paste(copy, corner, mask)


def _with_alpha(image: Image.Image, alpha: Image.Image) -> Image.Image:
    copy = image.copy()
    copy.putalpha(alpha)
    return copy


def _inside(corner: tuple[int, int]) -> tuple[int, int]:
    """Where to start reading an image whose corner may lie left of or above the canvas."""
    return max(0, -corner[0]), max(0, -corner[1])


_BAYER = bytes([0, 136, 34, 170, 204, 68, 238, 102, 51, 187, 17, 153, 255, 119, 221, 85])


def _grain(size: tuple[int, int]) -> Image.Image:
    """A 4 x 4 ordered dither pattern over the whole size, levels 0..255."""
    tile = Image.frombytes("L", (4, 4), _BAYER)
    pattern = Image.new("L", size)
    for x in range(0, size[0], 4):
        pattern.paste(tile, (x, 0))
    row = pattern.crop((0, 0, size[0], 4))
    for y in range(4, size[1], 4):
        pattern.paste(row, (0, y))
    return pattern


def draw_words(recipe: Recipe, size: tuple[int, int]) -> Image.Image:
    """The phrase on a transparent canvas, at the top or the bottom, as large as fits on at most two lines."""
    rng = random_of(recipe.seed, recipe.index, "words")
    lines = _wrapped(recipe.phrase or "")
    width, height = size
    image = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    pixels, font = 28, _font(28)
    while pixels > 12 and max(draw.textlength(line, font=font) for line in lines) > width - 12:
        pixels -= 1
        font = _font(pixels)
    fill, edge = rng.choice(
        [(WHITE, BLACK), (BLACK, WHITE), (hsv(0.15, 0.8, 1), BLACK), (hsv(rng.random(), 0.9, 0.5), WHITE)]
    )
    line_height = pixels + 3
    top = rng.choice([3, height - 5 - line_height * len(lines)])
    for number, line in enumerate(lines):
        left = (width - draw.textlength(line, font=font)) / 2
        draw.text((left, top + number * line_height), line, font=font, fill=fill, stroke_width=2, stroke_fill=edge)
    return image


@functools.cache
def _font(pixels: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(pixels)


def _wrapped(phrase: str) -> list[str]:
    """The lines of a phrase: one if it is short, else two, broken at the space nearest the middle."""
    if len(phrase) <= 9 or " " not in phrase:
        return [phrase]
    middle = min((i for i, letter in enumerate(phrase) if letter == " "), key=lambda i: abs(i - len(phrase) / 2))
    return [phrase[:middle], phrase[middle + 1 :]]
