"""How each subject looks.

Turned by any angle, each looks different. So people can see which way it turns.
"""

from __future__ import annotations

from PIL import Image

from autotag_core.drawing.factors import random_of
from autotag_core.drawing.nature import NATURE
from autotag_core.drawing.pen import Pen
from autotag_core.drawing.things import THINGS

DRAWINGS = NATURE | THINGS


def draw_subject(subject: str, seed: int, index: int) -> Image.Image:
    """The thing as an RGBA square, in the style of GIF `index`. A third of the things face the other way."""
    rng = random_of(seed, index, "subject")
    pen = Pen(rng)
    DRAWINGS[subject](pen)
    image = pen.image
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 1 / 3 else image
