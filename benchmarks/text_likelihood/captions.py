"""Draws captions on pictures as people write them on GIFs: in many fonts, sizes, colors, outlines and places.

All is drawn from one random generator, so the same seed gives the same pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from autotag_core.frames.stills.pixels import Pixels

_WORDS = """
a about again all always am and are as at away baby back bad be beautiful because been best big boss bro but bye
call can come coffee cool crazy cute dance dare day dear did die do dog done dude eat enough ever every excuse
face fine first for forever free friend from fun game get girl give go going gone good got great guys had happy
has hate have he hello help her here hey him his home hot how hungry i if in is it job joke just keep kid
kidding kill know late later leave let like listen little live lol long look love lunch mad make man maybe me
mean meeting mine moment monday money more morning much must my name need never new nice night no nobody nope
not nothing now of off oh ok omg on one only or our out over party people perfect pizza please quit ready really
right run sad said same say school see seriously shall she shut sick sleep slow smart so some somebody sorry
stay still stop sure take talk tell than thanks that the them then they thing think this time tired to today
tomorrow tonight too totally true try two ugh understand up us very wait wake want was we weekend weird welcome
well were what whatever when where who why will win with work world worst would wow wtf yay yeah yes yesterday
you your
"""
_SIGNS = ("?", "!", "...", "!!", ".", "", "", "", "", "")
_CJK = (
    "的一是不了人我在有他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之"
    "过家学对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如"
)
_SHADES = ("white", "white", "white", "white", "yellow", "black", "red", "lime", "cyan", "magenta", "orange")


def fonts_in(folder: Path) -> list[Path]:
    """The font files below a folder that can be opened, by name."""
    return sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in (".ttf", ".otf", ".ttc") and _opens(path)
    )


def _opens(path: Path) -> bool:
    try:
        ImageFont.truetype(str(path), 20)
    except OSError:
        return False
    return True


def backdrop(rng: Generator, pictures: Sequence[Path]) -> Image.Image:
    """A part of one of the pictures, or a drawn ground, in the size of a GIF: its longer side 100 to 480 pixels."""
    longer = int(rng.integers(100, 481))
    size = (longer, max(60, int(longer * rng.uniform(0.5, 1))))
    if rng.random() < 0.3:
        size = (size[1], size[0])
    if not pictures or rng.random() < 0.15:
        return _plain(rng, size)
    image = Image.open(pictures[int(rng.integers(len(pictures)))]).convert("RGB")
    share = rng.uniform(0.5, 1)
    fit = min(image.width / size[0], image.height / size[1]) * share
    width, height = max(1, int(size[0] * fit)), max(1, int(size[1] * fit))
    left, top = int(rng.integers(image.width - width + 1)), int(rng.integers(image.height - height + 1))
    return image.resize(size, Image.Resampling.LANCZOS, (left, top, left + width, top + height))


def _plain(rng: Generator, size: tuple[int, int]) -> Image.Image:
    """One color, a gradient, or blurred noise."""
    ends = rng.integers(0, 256, (2, 3))
    kind = rng.random()
    if kind < 0.4:
        return Image.new("RGB", size, tuple(int(level) for level in ends[0]))
    if kind < 0.7:
        slope = np.linspace(0, 1, size[1])[:, None, None]
        pixels = np.broadcast_to(ends[0] * slope + ends[1] * (1 - slope), (size[1], size[0], 3))
        return Image.fromarray(pixels.astype(np.uint8))
    cells = int(rng.integers(3, 40))
    noise = Image.fromarray(rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8))
    return noise.resize(size, Image.Resampling.NEAREST if rng.random() < 0.3 else Image.Resampling.BICUBIC)


def phrase(rng: Generator, is_cjk: bool) -> str:
    """Some words, in one case."""
    if is_cjk:
        return "".join(rng.choice(list(_CJK), int(rng.integers(2, 9))))
    if rng.random() < 0.08:
        return "".join(rng.choice(list("0123456789:%$#"), int(rng.integers(2, 7))))
    words = " ".join(rng.choice(_WORDS.split(), int(rng.choice([1, 1, 2, 2, 3, 4, 5, 7]))))
    case = (str.upper, str.lower, str.title, str.capitalize)[int(rng.integers(4))]
    return case(words) + str(rng.choice(_SIGNS))


def write(rng: Generator, image: Image.Image, fonts: Sequence[Path]) -> Image.Image:
    """The picture with a caption: a meme's, a subtitle, a sticker's, a sign's or a faint one."""
    font_path = fonts[int(rng.integers(len(fonts)))]
    lines = _lines(rng, phrase(rng, "CJK" in font_path.name))
    height = _height(rng, image)
    font = ImageFont.truetype(str(font_path), height)
    widest = max(font.getlength(line) for line in lines)
    if widest > image.width * 0.95:
        font = ImageFont.truetype(str(font_path), max(8, int(height * image.width * 0.95 / widest)))
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    text = "\n".join(lines)
    fill, outline, stroke = _colors(rng, image, font.size)
    box = draw.multiline_textbbox((0, 0), text, font, stroke_width=stroke, align="center")
    place = _place(rng, image.size, (box[2] - box[0], box[3] - box[1]))
    place = (place[0] - int(box[0]), place[1] - int(box[1]))
    if rng.random() < 0.12:
        frame = draw.multiline_textbbox(place, text, font, stroke_width=stroke + 3, align="center")
        draw.rectangle(frame, fill=outline)
    draw.multiline_text(place, text, fill, font, align="center", stroke_width=stroke, stroke_fill=outline)
    if rng.random() < 0.15:
        layer = layer.rotate(float(rng.uniform(-15, 15)), Image.Resampling.BICUBIC)
    written = Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")
    return written.filter(ImageFilter.GaussianBlur(0.6)) if rng.random() < 0.15 else written


def _lines(rng: Generator, text: str) -> list[str]:
    """The text in one line, or in several where it has enough words."""
    words = text.split(" ")
    num_lines = min(len(words), int(rng.choice([1, 1, 1, 2, 3])))
    parts = np.array_split(np.array(words, dtype=object), num_lines)
    return [" ".join(part) for part in parts]


def _height(rng: Generator, image: Image.Image) -> int:
    """Pixels: small text, subtitles, or words over much of the picture."""
    kind = rng.random()
    if kind < 0.25:
        return int(rng.integers(9, 16))
    return max(10, int(image.height * (rng.uniform(0.06, 0.14) if kind < 0.75 else rng.uniform(0.14, 0.4))))


def _colors(rng: Generator, image: Image.Image, height: float) -> tuple[tuple[int, ...] | str, str, int]:
    """Fill, outline and the outline's pixels. A faint caption has the ground's color, a little lighter or darker."""
    kind = rng.random()
    stroke = max(1, int(height * rng.uniform(0.04, 0.12)))
    if kind < 0.12:
        ground = np.asarray(image.resize((1, 1)))[0, 0].astype(int)
        step = int(rng.integers(40, 90)) * (-1 if ground.mean() > 128 else 1)
        return tuple(int(level) for level in np.clip(ground + step, 0, 255)), "gray", 0
    fill = str(rng.choice(_SHADES))
    if kind < 0.35:
        return fill, "black" if fill != "black" else "white", 0
    return fill, "white" if fill == "black" else str(rng.choice(["black", "black", "black", "navy", "gray"])), stroke


def _place(rng: Generator, size: tuple[int, int], box: tuple[float, float]) -> tuple[int, int]:
    """Left and top: at the bottom or the top in the middle, or anywhere."""
    free = max(0, int(size[0] - box[0])), max(0, int(size[1] - box[1]))
    kind = rng.random()
    rim = min(free[1], int(size[1] * rng.uniform(0.01, 0.08)))
    if kind < 0.45:
        return free[0] // 2, free[1] - rim
    if kind < 0.65:
        return free[0] // 2, rim
    return int(rng.integers(free[0] + 1)), int(rng.integers(free[1] + 1))


def as_gif(rng: Generator, image: Image.Image) -> Pixels:
    """The picture in at most 256 colors, as a GIF has them, often dithered: (h, w, 3) blue, green, red."""
    dither = Image.Dither.FLOYDSTEINBERG if rng.random() < 0.6 else Image.Dither.NONE
    colors = int(rng.choice([32, 64, 128, 255, 255]))
    palette = image.quantize(colors, Image.Quantize.MEDIANCUT)
    return np.ascontiguousarray(np.asarray(image.quantize(palette=palette, dither=dither).convert("RGB"))[:, :, ::-1])
