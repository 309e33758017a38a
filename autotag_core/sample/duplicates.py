"""Uploads of GIFs that are there already. A few GIFs are uploaded many times over, most never again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from autotag_core.drawing.encoding import gif_bytes
from autotag_core.drawing.factors import Recipe, random_of, recipe_of
from autotag_core.sample.copies import COPY_KINDS, copy_gif

MAX_COPIES = 10
"""Most copies of one GIF, besides itself."""
SAME_BYTES_SHARE = 0.2
"""Share of copies that are the same file again. The others are changed in one or two ways."""
_TAIL = 1.1


@dataclass(frozen=True)
class Duplicate:
    """GIF number `index` is a copy of GIF number `original`."""

    index: int
    original: int


def draw_duplicates(seed: int, num_gifs: int, share: float) -> list[Duplicate]:
    """round(share * num_gifs) copies of the first num_gifs GIFs, numbered after them.

    Originals are drawn evenly, each once. How often one is copied has a Pareto tail, cut at MAX_COPIES: most copied
    GIFs have one copy, some have ten.
    """
    rng = random_of(seed, num_gifs, "duplicates")
    originals: dict[int, int] = {}
    left = round(share * num_gifs)
    while left:
        original = rng.randrange(num_gifs)
        if original not in originals:
            originals[original] = min(int(rng.paretovariate(_TAIL)), MAX_COPIES, left)
            left -= originals[original]
    copied = [original for original, count in originals.items() for _ in range(count)]
    return [Duplicate(num_gifs + place, original) for place, original in enumerate(copied)]


def duplicate_recipe(seed: int, duplicate: Duplicate) -> Recipe:
    """What the copy's uploader sees: the original's factors under the copy's own number, so that its tags differ."""
    return replace(recipe_of(seed, duplicate.original), index=duplicate.index)


def duplicate_bytes(seed: int, duplicate: Duplicate) -> bytes:
    """The copy's file. The same arguments give the same bytes."""
    rng = random_of(seed, duplicate.index, "copy")
    kinds = [] if rng.random() < SAME_BYTES_SHARE else rng.sample(list(COPY_KINDS), rng.choice([1, 1, 2]))
    return copy_gif(gif_bytes(recipe_of(seed, duplicate.original)), kinds, rng)
