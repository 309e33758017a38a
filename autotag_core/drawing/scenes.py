"""Where a thing is: backgrounds with a tag of their own, and plain ones that mean nothing."""

from __future__ import annotations

import random

from PIL import Image, ImageDraw

from autotag_core.drawing.factors import Recipe, random_of
from autotag_core.drawing.pen import BLACK, WHITE, Color, hsv, mix

TRANSPARENT_SHARE = 0.3
"""Share of the GIFs without a scene that are stickers, with nothing behind the thing."""


def draw_scene(recipe: Recipe, size: tuple[int, int]) -> Image.Image | None:
    """The background, RGB of (width, height); None for a sticker."""
    rng = random_of(recipe.seed, recipe.index, "scene")
    if recipe.scene is None:
        if rng.random() < TRANSPARENT_SHARE:
            return None
        return _plain(rng, size)
    draw_tagged = {
        "night": _night,
        "sea": _sea,
        "snow": _snow,
        "city": _city,
        "party": _party,
        "desert": _desert,
    }[recipe.scene]
    return draw_tagged(rng, size)


def _gradient(size: tuple[int, int], top: Color, bottom: Color) -> Image.Image:
    image = Image.new("RGB", (1, 12))
    for row in range(12):
        image.putpixel((0, row), mix(top, bottom, row / 11))
    return image.resize(size, Image.Resampling.NEAREST)


def _plain(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    color = hsv(rng.random(), rng.uniform(0.05, 0.5), rng.uniform(0.6, 1))
    kind = rng.choice(["flat", "gradient", "stripes", "dots", "checks"])
    if kind == "gradient":
        return _gradient(size, color, mix(color, rng.choice([WHITE, BLACK]), 0.5))
    image = Image.new("RGB", size, color)
    draw = ImageDraw.Draw(image)
    other = mix(color, rng.choice([WHITE, BLACK]), 0.22)
    step = rng.randint(12, 28)
    width, height = size
    if kind == "stripes":
        slant = rng.choice([0, height])
        for x in range(-height, width, step):
            draw.line([(x, 0), (x + slant, height)], fill=other, width=step // 3)
    elif kind == "dots":
        for x in range(step // 2, width, step):
            for y in range(step // 2, height, step):
                draw.ellipse([x - 3, y - 3, x + 3, y + 3], fill=other)
    elif kind == "checks":
        for column in range(width // step + 1):
            for row in range(column % 2, height // step + 1, 2):
                draw.rectangle([column * step, row * step, (column + 1) * step - 1, (row + 1) * step - 1], fill=other)
    return image


def _night(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = _gradient(size, hsv(rng.uniform(0.6, 0.72), 0.8, 0.15), hsv(rng.uniform(0.6, 0.75), 0.6, 0.4))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(18, 40)):
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), rng.choice([0.7, 1.0, 1.6])
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=WHITE)
    x, y, radius = rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.3) * height, rng.uniform(9, 14)
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(250, 245, 200))
    shade = image.getpixel((0, int(y)))
    draw.ellipse([x - radius * 0.4, y - radius * 1.1, x + radius * 1.6, y + radius * 0.9], fill=shade)
    return image


def _sea(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = _gradient(size, hsv(0.55, 0.3, 1), hsv(0.55, 0.1, 1))
    draw = ImageDraw.Draw(image)
    horizon = int(height * rng.uniform(0.4, 0.6))
    hue = rng.uniform(0.48, 0.6)
    for band in range(5):
        top = horizon + band * (height - horizon) // 5
        draw.rectangle([0, top, width, height], fill=hsv(hue, 0.75, 0.8 - 0.09 * band))
        for x in range(rng.randint(-16, 0), width, 16):
            draw.arc([x, top - 4, x + 16, top + 6], 20, 160, fill=WHITE, width=1)
    return image


def _snow(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = _gradient(size, hsv(0.58, 0.35, 0.8), hsv(0.58, 0.12, 0.95))
    draw = ImageDraw.Draw(image)
    peak = rng.uniform(0.2, 0.8) * width
    draw.polygon([(peak - 60, height), (peak, height * 0.3), (peak + 60, height)], fill=hsv(0.6, 0.25, 0.65))
    draw.polygon([(peak - 15, height * 0.475), (peak, height * 0.3), (peak + 15, height * 0.475)], fill=WHITE)
    draw.ellipse([-width * 0.3, height * 0.75, width * 0.8, height * 1.6], fill=WHITE)
    draw.ellipse([width * 0.3, height * 0.8, width * 1.3, height * 1.6], fill=(235, 240, 250))
    for _ in range(rng.randint(25, 50)):
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.8, 2.2)
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=WHITE)
    return image


def _city(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    width, height = size
    hue = rng.choice([0.05, 0.55, 0.9])
    image = _gradient(size, hsv(hue, 0.35, 0.95), hsv(hue + 0.05, 0.15, 1))
    draw = ImageDraw.Draw(image)
    x = -rng.randint(0, 10)
    while x < width:
        wide, top = rng.randint(16, 30), int(height * rng.uniform(0.2, 0.65))
        wall = hsv(0.6, 0.15, rng.uniform(0.3, 0.55))
        draw.rectangle([x, top, x + wide, height], fill=wall)
        for left in range(x + 3, x + wide - 4, 7):
            for row in range(top + 4, height, 9):
                draw.rectangle(
                    [left, row, left + 3, row + 4], fill=rng.choice([(250, 225, 120), mix(wall, BLACK, 0.4)])
                )
        x += wide + rng.randint(0, 3)
    return image


def _party(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = Image.new("RGB", size, hsv(rng.random(), 0.15, rng.choice([0.25, 1.0])))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randint(45, 80)):
        x, y, long = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(2, 5)
        color = hsv(rng.random(), 0.85, 0.95)
        if rng.random() < 0.5:
            draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=color)
        else:
            draw.line([(x, y), (x + long, y + rng.uniform(-4, 4))], fill=color, width=2)
    for x in range(0, width, 20):
        draw.polygon([(x, 0), (x + 20, 0), (x + 10, 16)], fill=hsv(rng.random(), 0.8, 0.95))
    return image


def _desert(rng: random.Random, size: tuple[int, int]) -> Image.Image:
    width, height = size
    image = _gradient(size, hsv(0.56, 0.45, 0.95), hsv(0.1, 0.3, 1))
    draw = ImageDraw.Draw(image)
    x, y = rng.uniform(0.15, 0.85) * width, rng.uniform(0.1, 0.25) * height
    draw.ellipse([x - 11, y - 11, x + 11, y + 11], fill=(255, 235, 130))
    for row, shade in enumerate((0.95, 0.87, 0.78)):
        top = height * (0.55 + 0.13 * row)
        middle = rng.uniform(0, width)
        draw.polygon(
            [(0, top + 12), (middle, top - 10), (width, top + 12), (width, height), (0, height)],
            fill=hsv(rng.uniform(0.08, 0.11), 0.55, shade),
        )
    return image
