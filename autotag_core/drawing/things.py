"""How signs and things that people make look: one function each, drawn with a pen on 0..100 x 0..100, y down."""

from __future__ import annotations

import math
from collections.abc import Callable

from autotag_core.drawing.pen import BLACK, WHITE, Pen, hsv, mix


def _car(pen: Pen) -> None:
    body = pen.any_paint(0.8, 0.85)
    pen.shape([(20, 52), (34, 26), (66, 26), (82, 52)], body)
    pen.shape([(28, 50), (38, 31), (48, 31), (48, 50)], hsv(0.55, 0.3, 0.95))
    pen.shape([(53, 50), (53, 31), (64, 31), (73, 50)], hsv(0.55, 0.3, 0.95))
    pen.shape([(4, 72), (5, 54), (20, 49), (90, 49), (97, 58), (97, 72)], body)
    pen.box(0, 64, 8, 70, hsv(0, 0, 0.6))
    pen.dot(93, 59, 4, hsv(0.15, 0.5, 1))
    for x in (25, 75):
        pen.oval(x, 73, 12, 12, hsv(0, 0, 0.15))
        pen.dot(x, 73, 5, hsv(0, 0, 0.75))


def _sailboat(pen: Pen) -> None:
    hull = pen.paint(pen.rng.choice([0.02, 0.07, 0.6]), 0.75, 0.65)
    pen.stroke([(48, 4), (48, 74)], 3, hsv(0.08, 0.6, 0.35))
    pen.shape([(52, 8), (52, 66), (92, 66)], pen.rng.choice([WHITE, pen.any_paint()]))
    pen.shape([(44, 18), (44, 66), (14, 66)], pen.rng.choice([WHITE, pen.any_paint()]))
    pen.shape([(6, 72), (94, 72), (80, 92), (22, 92)], hull)
    pen.shape([(48, 4), (62, 9), (48, 14)], hsv(0, 0.9, 0.9))


def _rocket(pen: Pen) -> None:
    fin = pen.any_paint(0.85, 0.85)
    pen.shape([(40, 78), (50, 100), (60, 78)], hsv(pen.rng.uniform(0.05, 0.14), 0.9, 1))
    for side in (-1, 1):
        pen.shape([(50 + side * 16, 54), (50 + side * 36, 84), (50 + side * 14, 78)], fin)
    pen.shape(
        [(34, 80), (31, 48), (38, 22), (50, 2), (62, 22), (69, 48), (66, 80)], hsv(0, 0, pen.rng.uniform(0.75, 1))
    )
    pen.shape([(38, 22), (50, 2), (62, 22)], fin)
    pen.oval(50, 42, 9, 9, hsv(0.55, 0.6, 0.9))
    pen.stroke([(50, 62), (50, 80)], 3, fin)


def _bicycle(pen: Pen) -> None:
    frame = pen.any_paint(0.9, 0.75)
    for x in (22, 78):
        pen.ring(x, 66, 20, 3.2, BLACK)
        for turn in range(4):
            dx, dy = 18 * math.cos(turn * math.pi / 4), 18 * math.sin(turn * math.pi / 4)
            pen.stroke([(x - dx, 66 - dy), (x + dx, 66 + dy)], 0.8, hsv(0, 0, 0.6))
    pen.stroke([(22, 66), (38, 36), (68, 36), (50, 66), (22, 66)], 4, frame)
    pen.stroke([(50, 66), (36, 28)], 4, frame)
    pen.stroke([(78, 66), (66, 24)], 4, frame)
    pen.stroke([(60, 22), (66, 24), (80, 18)], 3.4, BLACK)
    pen.shape([(26, 24), (46, 24), (42, 30), (30, 30)], BLACK)
    pen.dot(50, 66, 5, BLACK)


def _pizza(pen: Pen) -> None:
    pen.shape([(6, 18), (94, 18), (50, 98)], hsv(0.12, 0.65, 0.95))
    pen.shape([(3, 6), (97, 6), (95, 20), (5, 20)], hsv(0.08, 0.65, 0.7))
    for x, y in ((32, 34), (62, 32), (48, 54), (50, 76)):
        pen.oval(x, y, 7, 7, pen.paint(0.0, 0.8, 0.75))
    for x, y in ((46, 32), (72, 40), (38, 60), (58, 66)):
        pen.dot(x, y, 2.6, hsv(0.33, 0.8, 0.5))


def _coffee(pen: Pen) -> None:
    cup = pen.rng.choice([WHITE, pen.any_paint()])
    pen.ring(76, 60, 15, 5, mix(cup, BLACK, 0.2))
    pen.shape([(16, 40), (76, 40), (70, 86), (24, 86)], cup)
    pen.oval(46, 40, 30, 7, hsv(0.07, 0.75, 0.3))
    pen.oval(46, 91, 40, 6, mix(cup, BLACK, 0.1))
    for x in (34, 46, 58):
        pen.stroke([(x, 30), (x + 4, 22), (x - 3, 14), (x + 3, 5)], 2.2, hsv(0, 0, 0.7))


def _ice_cream(pen: Pen) -> None:
    pen.shape([(26, 50), (74, 50), (50, 99)], hsv(0.09, 0.6, 0.85))
    for x in (36, 50, 64):
        pen.stroke([(x, 52), (50 + (x - 50) * 0.3 + 6, 84)], 1.2, hsv(0.07, 0.7, 0.6))
    for x, y, hue in ((36, 42, 0.95), (64, 42, 0.1), (50, 22, pen.rng.random())):
        pen.oval(x, y, 18, 17, pen.paint(hue, 0.35, 0.95))
    pen.dot(52, 5, 5, hsv(0, 0.9, 0.85))


def _burger(pen: Pen) -> None:
    bun = pen.paint(0.09, 0.65, 0.85)
    pen.box(8, 62, 92, 74, hsv(0.05, 0.7, 0.35))
    pen.box(10, 76, 90, 92, bun)
    pen.shape([(4, 52), (96, 52), (88, 62), (74, 56), (58, 63), (42, 56), (26, 63), (12, 57)], hsv(0.3, 0.7, 0.7))
    pen.box(8, 56, 92, 60, hsv(0.14, 0.8, 1))
    pen.pie((8, 8, 92, 92), (180, 360), bun)
    for x, y in ((36, 28), (50, 20), (64, 28), (28, 38), (72, 40), (50, 36)):
        pen.dot(x, y, 2, WHITE)


def _house(pen: Pen) -> None:
    wall = pen.any_paint(0.35, 0.9)
    pen.box(66, 12, 77, 40, hsv(0.02, 0.5, 0.5))
    pen.box(14, 44, 86, 96, wall)
    pen.shape([(4, 48), (50, 6), (96, 48)], pen.paint(0.02, 0.75, 0.7))
    pen.box(42, 64, 58, 96, hsv(0.07, 0.6, 0.4))
    for x in (21, 65):
        pen.box(x, 56, x + 14, 72, hsv(0.55, 0.35, 0.95))
        pen.stroke([(x + 7, 56), (x + 7, 72)], 1.2, BLACK)


def _lighthouse(pen: Pen) -> None:
    stripe = pen.paint(0.0, 0.85, 0.8)
    pen.shape([(34, 92), (41, 28), (59, 28), (66, 92)], WHITE)
    for top in (34, 56, 78):
        spread = (top - 28) * 0.11
        pen.shape(
            [(41 - spread, top), (59 + spread, top), (60.5 + spread, top + 11), (39.5 - spread, top + 11)], stripe
        )
    pen.shape([(59, 14), (98, 2), (98, 32), (59, 24)], hsv(0.15, 0.5, 1))
    pen.box(42, 13, 58, 27, hsv(0.15, 0.7, 1))
    pen.shape([(38, 14), (50, 2), (62, 14)], stripe)
    pen.box(24, 91, 76, 98, hsv(0, 0, 0.45))


def _heart(pen: Pen) -> None:
    points = []
    for step in range(40):
        t = 2 * math.pi * step / 40
        x, y = 16 * math.sin(t) ** 3, 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        points.append((50 + 2.7 * x, 46 - 2.7 * y))
    color = pen.paint(pen.rng.choice([0.0, 0.95, 0.98]), 0.85, 0.9)
    pen.shape(points, color)
    pen.stroke([(20, 38), (24, 26), (34, 21)], 4, mix(color, WHITE, 0.7))


def _star(pen: Pen) -> None:
    color = pen.paint(0.14, 0.85, 0.98)
    points = []
    for step in range(10):
        radius = 46 if step % 2 == 0 else 20
        angle = math.pi * (step / 5 - 0.5)
        points.append((50 + radius * math.cos(angle), 52 + radius * math.sin(angle)))
    pen.shape(points, color)
    for x in (42, 58):
        pen.dot(x, 46, 3.4, BLACK)
    pen.stroke([(39, 58), (45, 63), (55, 63), (61, 58)], 2.2, BLACK)


def _balloon(pen: Pen) -> None:
    color = pen.any_paint(0.8, 0.9)
    pen.stroke([(50, 68), (46, 78), (54, 88), (49, 99)], 1.8, hsv(0, 0, 0.35))
    pen.oval(50, 35, 29, 33, color)
    pen.shape([(44, 74), (50, 66), (56, 74)], color)
    pen.stroke([(34, 34), (37, 20), (46, 12)], 4, mix(color, WHITE, 0.7))


def _teddy_bear(pen: Pen) -> None:
    fur = pen.paint(0.08, 0.55, 0.65)
    light = mix(fur, WHITE, 0.45)
    for side in (-1, 1):
        pen.oval(50 + side * 21, 12, 10, 10, fur)
        pen.oval(50 + side * 31, 62, 11, 14, fur)
        pen.oval(50 + side * 20, 89, 13, 10, fur)
    pen.oval(50, 70, 27, 25, fur)
    pen.oval(50, 72, 15, 15, light)
    pen.oval(50, 28, 27, 24, fur)
    pen.oval(50, 36, 12, 9, light)
    for side in (-1, 1):
        pen.dot(50 + side * 11, 24, 3, BLACK)
    pen.dot(50, 33, 3.6, BLACK)


def _umbrella(pen: Pen) -> None:
    cloth = pen.any_paint(0.8, 0.85)
    pen.stroke([(50, 8), (50, 88), (54, 95), (62, 95), (66, 88)], 3.4, hsv(0.07, 0.6, 0.4))
    pen.pie((4, 12, 96, 100), (180, 360), cloth)
    for left, right in ((4, 35), (35, 65), (65, 96)):
        pen.pie((left, 48, right, 66), (180, 360), mix(cloth, WHITE, 0.45))
    pen.stroke([(50, 12), (35, 56)], 1.4, BLACK)
    pen.stroke([(50, 12), (65, 56)], 1.4, BLACK)


def _clock(pen: Pen) -> None:
    rim = pen.any_paint(0.7, 0.75)
    for side in (-1, 1):
        pen.stroke([(50 + side * 22, 82), (50 + side * 32, 98)], 5, rim)
        pen.oval(50 + side * 26, 14, 14, 10, rim)
    pen.oval(50, 54, 40, 40, rim)
    pen.oval(50, 54, 32, 32, WHITE)
    for hour in range(12):
        angle = math.pi * hour / 6
        pen.dot(50 + 27 * math.sin(angle), 54 - 27 * math.cos(angle), 2, BLACK)
    angle = 2 * math.pi * pen.rng.random()
    pen.stroke([(50, 54), (50 + 22 * math.sin(angle), 54 - 22 * math.cos(angle))], 2.4, BLACK)
    pen.stroke([(50, 54), (50 + 14 * math.sin(angle / 12), 54 - 14 * math.cos(angle / 12))], 3.4, BLACK)


THINGS: dict[str, Callable[[Pen], None]] = {
    "car": _car,
    "sailboat": _sailboat,
    "rocket": _rocket,
    "bicycle": _bicycle,
    "pizza": _pizza,
    "coffee": _coffee,
    "ice cream": _ice_cream,
    "burger": _burger,
    "house": _house,
    "lighthouse": _lighthouse,
    "heart": _heart,
    "star": _star,
    "balloon": _balloon,
    "teddy bear": _teddy_bear,
    "umbrella": _umbrella,
    "clock": _clock,
}
