"""A pen that draws one thing in one style. Coordinates are 0..100 in both directions, y down, whatever the pixels."""

from __future__ import annotations

import colorsys
import random
from collections.abc import Sequence

from PIL import Image, ImageDraw

Color = tuple[int, int, int]
Point = tuple[float, float]

SPRITE_PIXELS = 192
WHITE: Color = (250, 250, 250)
BLACK: Color = (25, 25, 30)


def hsv(hue: float, saturation: float, value: float) -> Color:
    """RGB 0..255 of a hue (0..1, wraps), saturation and value (0..1)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def mix(first: Color, second: Color, share: float) -> Color:
    """The colour `share` of the way from the first to the second."""
    return tuple(round(a + (b - a) * share) for a, b in zip(first, second, strict=True))  # type: ignore[return-value]


class Pen:
    """Draws on a transparent square, with an outline and a shakiness of its own, chosen once."""

    def __init__(self, rng: random.Random) -> None:
        self.image = Image.new("RGBA", (SPRITE_PIXELS, SPRITE_PIXELS), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)
        self._scale = SPRITE_PIXELS / 100
        self.rng = rng
        self.outline: Color | None = rng.choice([None, BLACK, BLACK, hsv(rng.random(), 0.5, 0.35)])
        self._width = rng.choice([1.2, 2.0, 3.0])
        self._shake = rng.choice([0.0, 0.6, 1.4])
        self._hue = rng.random()

    def paint(self, hue: float, saturation: float = 0.75, value: float = 0.9) -> Color:
        """A colour near the hue; now and then of any hue, since cars and cats have every colour on the web."""
        if self.rng.random() < 0.15:
            hue = self.rng.random()
        jitter = self.rng.uniform
        return hsv(
            hue + jitter(-0.04, 0.04),
            min(1, max(0, saturation + jitter(-0.2, 0.15))),
            min(1, max(0.2, value + jitter(-0.15, 0.08))),
        )

    def any_paint(self, saturation: float = 0.7, value: float = 0.85) -> Color:
        """A colour of any hue."""
        return self.paint(self.rng.random(), saturation, value)

    def shape(self, points: Sequence[Point], fill: Color) -> None:
        """A filled polygon."""
        shaken = self._pixels(points)
        self._draw.polygon(shaken, fill=fill)
        if self.outline:
            self._draw.line([*shaken, shaken[0], shaken[1]], fill=self.outline, width=self._line(), joint="curve")

    def oval(self, x: float, y: float, rx: float, ry: float, fill: Color) -> None:
        """A filled ellipse around (x, y) with half axes rx and ry."""
        self._draw.ellipse(
            self._box(x - rx, y - ry, x + rx, y + ry), fill=fill, outline=self.outline, width=self._line()
        )

    def box(self, left: float, top: float, right: float, bottom: float, fill: Color) -> None:
        """A filled rectangle."""
        self.shape([(left, top), (right, top), (right, bottom), (left, bottom)], fill)

    def dot(self, x: float, y: float, radius: float, fill: Color) -> None:
        """A filled circle without an outline, for eyes and spots."""
        self._draw.ellipse(self._box(x - radius, y - radius, x + radius, y + radius), fill=fill)

    def pie(self, box: tuple[float, float, float, float], angles: tuple[float, float], fill: Color) -> None:
        """A slice of the ellipse in (left, top, right, bottom), degrees clockwise from the right."""
        self._draw.pieslice(self._box(*box), *angles, fill=fill, outline=self.outline, width=self._line())

    def stroke(self, points: Sequence[Point], width: float, fill: Color) -> None:
        """An open line."""
        self._draw.line(self._pixels(points), fill=fill, width=max(1, round(width * self._scale)), joint="curve")

    def ring(self, x: float, y: float, radius: float, width: float, fill: Color) -> None:
        """A circle that is not filled."""
        self._draw.ellipse(
            self._box(x - radius, y - radius, x + radius, y + radius),
            outline=fill,
            width=max(1, round(width * self._scale)),
        )

    def _pixels(self, points: Sequence[Point]) -> list[Point]:
        shake = self._shake
        return [
            ((x + self.rng.uniform(-shake, shake)) * self._scale, (y + self.rng.uniform(-shake, shake)) * self._scale)
            for x, y in points
        ]

    def _box(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        scale = self._scale
        return left * scale, top * scale, right * scale, bottom * scale

    def _line(self) -> int:
        return max(1, round(self._width * self._scale))
