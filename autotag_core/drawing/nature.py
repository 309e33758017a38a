"""How animals and plants look: one function each, drawn with a pen on 0..100 x 0..100, y down."""

from __future__ import annotations

import math
from collections.abc import Callable

from autotag_core.drawing.pen import BLACK, WHITE, Pen, hsv, mix


def _cat(pen: Pen) -> None:
    fur = pen.paint(pen.rng.choice([0.08, 0.1, 0.62]), pen.rng.choice([0.15, 0.65]), 0.8)
    for side in (-1, 1):
        pen.shape([(50 + side * 38, 44), (50 + side * 36, 6), (50 + side * 8, 24)], fur)
        pen.shape([(50 + side * 32, 32), (50 + side * 32, 15), (50 + side * 18, 25)], hsv(0.97, 0.4, 0.95))
    pen.oval(50, 56, 42, 37, fur)
    for side in (-1, 1):
        pen.oval(50 + side * 17, 50, 8, 9, hsv(pen.rng.choice([0.15, 0.3, 0.5]), 0.6, 0.95))
        pen.dot(50 + side * 17, 50, 4, BLACK)
        for rise in (-5, 0, 6):
            pen.stroke([(50 + side * 16, 69), (50 + side * 46, 66 + rise * 1.5)], 1.2, BLACK)
    pen.shape([(45, 62), (55, 62), (50, 68)], hsv(0.97, 0.5, 0.8))
    pen.stroke([(40, 73), (46, 76), (50, 69), (54, 76), (60, 73)], 1.6, BLACK)


def _fish(pen: Pen) -> None:
    scale = pen.any_paint()
    fin = mix(scale, WHITE, 0.35)
    pen.shape([(70, 50), (96, 24), (92, 50), (96, 76)], fin)
    pen.shape([(34, 32), (52, 8), (62, 32)], fin)
    pen.shape([(42, 68), (54, 88), (60, 66)], fin)
    pen.oval(42, 50, 36, 24, scale)
    for x in (34, 46, 58):
        pen.stroke([(x, 32), (x + 6, 50), (x, 68)], 3, fin)
    pen.oval(20, 44, 6, 6, WHITE)
    pen.dot(19, 44, 3, BLACK)
    pen.stroke([(8, 58), (18, 57)], 1.8, BLACK)


def _bird(pen: Pen) -> None:
    body = pen.any_paint()
    pen.shape([(68, 58), (98, 44), (94, 62), (98, 74)], mix(body, BLACK, 0.25))
    pen.stroke([(42, 80), (40, 96)], 2.4, hsv(0.09, 0.9, 0.8))
    pen.stroke([(54, 80), (56, 96)], 2.4, hsv(0.09, 0.9, 0.8))
    pen.oval(48, 60, 30, 23, body)
    pen.oval(28, 34, 19, 18, body)
    pen.shape([(13, 32), (0, 38), (13, 42)], hsv(0.1, 0.9, 0.95))
    pen.shape([(38, 50), (80, 44), (66, 66), (48, 68)], mix(body, BLACK, 0.3))
    pen.oval(24, 30, 5, 5, WHITE)
    pen.dot(23, 30, 2.6, BLACK)


def _butterfly(pen: Pen) -> None:
    wing = pen.any_paint(0.75, 0.9)
    spot = pen.any_paint(0.6, 0.95)
    for side in (-1, 1):
        pen.oval(50 + side * 25, 36, 23, 27, wing)
        pen.oval(50 + side * 20, 74, 16, 19, mix(wing, BLACK, 0.15))
        pen.dot(50 + side * 28, 32, 8, spot)
        pen.dot(50 + side * 21, 75, 6, spot)
        pen.stroke([(50, 20), (50 + side * 12, 4)], 1.6, BLACK)
    pen.oval(50, 52, 5, 34, BLACK)


def _tree(pen: Pen) -> None:
    leaf = pen.paint(pen.rng.choice([0.3, 0.33, 0.1]), 0.75, 0.6)
    pen.shape([(42, 98), (44, 60), (56, 60), (58, 98)], hsv(0.08, 0.6, 0.45))
    if pen.rng.random() < 0.4:
        for top, half in ((46, 36), (26, 30), (4, 22)):
            pen.shape([(50 - half, top + 32), (50, top), (50 + half, top + 32)], leaf)
        return
    for x, y, radius in ((28, 46, 22), (72, 46, 22), (50, 26, 25), (50, 50, 22)):
        pen.dot(x, y, radius, leaf)
    for x, y in ((34, 40), (62, 30), (52, 54), (70, 48)):
        pen.dot(x, y, 4, mix(leaf, WHITE, 0.25))


def _flower(pen: Pen) -> None:
    petal = pen.rng.choice([pen.any_paint(0.6, 0.95), WHITE])
    green = pen.paint(0.33, 0.7, 0.6)
    pen.stroke([(50, 40), (52, 70), (49, 98)], 4.5, green)
    pen.shape([(51, 82), (66, 64), (84, 66), (72, 80)], green)
    count = pen.rng.choice([5, 6, 8])
    for turn in range(count):
        angle = 2 * math.pi * turn / count
        pen.oval(50 + 20 * math.cos(angle), 34 + 20 * math.sin(angle), 13, 13, petal)
    pen.oval(50, 34, 11, 11, hsv(0.13, 0.85, 0.95))


def _mushroom(pen: Pen) -> None:
    cap = pen.paint(pen.rng.choice([0.0, 0.02, 0.08]), 0.85, 0.8)
    pen.shape([(38, 52), (34, 94), (66, 94), (62, 52)], hsv(0.12, 0.15, 0.95))
    pen.pie((6, 8, 94, 104), (180, 360), cap)
    for x, y, radius in ((30, 40, 7), (52, 24, 8), (72, 42, 6), (50, 46, 4)):
        pen.dot(x, y, radius, WHITE)


def _cactus(pen: Pen) -> None:
    green = pen.paint(0.36, 0.7, 0.55)
    for points in ([(50, 66), (22, 66), (22, 36)], [(50, 56), (78, 56), (78, 22)]):
        pen.stroke(points, 13, green)
        pen.dot(*points[2], 6.5, green)
    pen.stroke([(50, 14), (50, 82)], 19, green)
    pen.dot(50, 14, 9.5, green)
    for x in (45, 50, 55):
        pen.stroke([(x, 14), (x, 80)], 1, mix(green, WHITE, 0.5))
    pen.shape([(30, 78), (70, 78), (64, 99), (36, 99)], pen.paint(0.05, 0.7, 0.7))
    if pen.rng.random() < 0.6:
        pen.dot(50, 6, 6, hsv(0.93, 0.6, 0.95))


NATURE: dict[str, Callable[[Pen], None]] = {
    "cat": _cat,
    "fish": _fish,
    "bird": _bird,
    "butterfly": _butterfly,
    "tree": _tree,
    "flower": _flower,
    "mushroom": _mushroom,
    "cactus": _cactus,
}
