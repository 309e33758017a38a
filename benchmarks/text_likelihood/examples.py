"""Examples to learn from: frames, and where OCR reads words in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autotag_core.frames.stills.pixels import Pixels
from autotag_core.ocr import TextReader
from autotag_core.ocr.lines import letters_of
from benchmarks.text_likelihood.captions import as_gif, backdrop, write

_WRITTEN_SHARE = 0.65


@dataclass(frozen=True)
class Example:
    """A frame as a reader is given it, and OCR's answer with everything read."""

    pixels: Pixels
    """(h, w, 3) blue, green, red."""
    boxes: NDArray[np.float32]
    """(n, 4, 2): corners of what OCR found, x and y in pixels."""
    is_read: NDArray[np.bool_]
    """(n,): whether the text reader takes the box for a line of text. The others are unsure."""

    @property
    def has_text(self) -> bool:
        """Whether anything is read in the frame."""
        return bool(self.is_read.any())


def label(reader: TextReader, pixels: Pixels) -> Example:
    """The frame with OCR's own answer: no person is asked what they see."""
    found = reader._run_ocr(pixels, use_det=True, use_rec=True)
    boxes = getattr(found, "boxes", None)
    if boxes is None or found.txts is None:
        return Example(pixels, np.zeros((0, 4, 2), np.float32), np.zeros(0, np.bool_))
    config = reader._config
    is_read = [
        score >= config.min_confidence and len(letters_of(text)) >= config.min_letters
        for text, score in zip(found.txts, found.scores, strict=True)
    ]
    return Example(pixels, np.asarray(boxes, np.float32), np.array(is_read, np.bool_))


def drawn(num: int, seed: int, pictures: Sequence[Path], fonts: Sequence[Path]) -> Iterator[Pixels]:
    """Pictures in the size and colors of GIFs, two thirds of them with a caption."""
    rng = np.random.default_rng(seed)
    for _ in range(num):
        image = backdrop(rng, pictures)
        if rng.random() < _WRITTEN_SHARE:
            image = write(rng, image, fonts)
        yield as_gif(rng, image)
