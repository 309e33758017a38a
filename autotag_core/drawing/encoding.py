"""GIF files from frames, as varied as the web: palettes, disposal, transparency, uneven delays."""

from __future__ import annotations

import io
import random
from collections.abc import Sequence

from PIL import Image

from autotag_core.drawing.drawing import draw_states, playing_order
from autotag_core.drawing.factors import Recipe, random_of

UNEVEN_SHARE = 0.35
"""Share of GIFs whose frames are not all shown equally long."""
OWN_PALETTES_SHARE = 0.3
"""Share of GIFs whose frames each choose their own colours."""
_COLORS = 40


def gif_bytes(recipe: Recipe) -> bytes:
    """The GIF file of a recipe, looping. The same recipe gives the same bytes.

    Stickers (RGBA) are cleared between frames; others keep what is there or replace it. For every order that frames can
    play in, all but the order is the same.
    """
    rng = random_of(recipe.seed, recipe.index, "encoding")
    states = draw_states(recipe)
    sticker = states[0].mode == "RGBA"
    durations = _durations(len(states), rng)
    own_palettes = rng.random() < OWN_PALETTES_SHARE
    disposal = 2 if sticker else rng.choice([0, 1, 1, 1, 1, 1, 2])
    palette = None if own_palettes else _shared_palette(states)
    indexed = [_indexed(state, palette) for state in states]
    frames = [indexed[state] for state in playing_order(len(states), recipe.order)]
    return saved_gif(frames, durations, disposal, 255 if sticker else None)


def saved_gif(frames: Sequence[Image.Image], delays_ms: Sequence[int], disposal: int, transparent: int | None) -> bytes:
    """A looping GIF of frames with palettes; `transparent` is the index of the colour that shows what is below."""
    out = io.BytesIO()
    frames[0].save(
        out,
        "GIF",
        save_all=True,
        append_images=frames[1:],
        duration=list(delays_ms),
        loop=0,
        disposal=disposal,
        optimize=False,
        **({} if transparent is None else {"transparency": transparent}),
    )
    return out.getvalue()


def _durations(count: int, rng: random.Random) -> list[int]:
    """Milliseconds a frame, multiples of 10 as GIF counts time. They say nothing about the order of frames."""
    if rng.random() < UNEVEN_SHARE:
        return [rng.choice([30, 50, 80, 120, 200]) for _ in range(count)]
    return [rng.choice([40, 60, 80, 100, 120])] * count


def _shared_palette(states: list[Image.Image]) -> Image.Image:
    """Colours for all frames, from the first, middle and last state."""
    width, height = states[0].size
    chosen = Image.new("RGB", (width * 3, height))
    for column, state in enumerate((states[0], states[len(states) // 2], states[-1])):
        chosen.paste(state.convert("RGB"), (column * width, 0))
    return chosen.quantize(_COLORS, Image.Quantize.MEDIANCUT)


def _indexed(frame: Image.Image, palette: Image.Image | None) -> Image.Image:
    """The frame in palette colours. Index 255 is what a sticker leaves transparent."""
    flat = frame.convert("RGB")
    if palette is None:
        indexed = flat.quantize(_COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    else:
        indexed = flat.quantize(palette=palette, dither=Image.Dither.NONE)
    if frame.mode == "RGBA":
        clear = frame.getchannel("A").point(lambda alpha: 255 if alpha < 128 else 0)
        indexed.paste(255, mask=clear)
    return indexed
