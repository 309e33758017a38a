"""What reads GIFs besides the experts: their text, their faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from autotag_core.config import FacesConfig, TextConfig
from autotag_core.frames.decode import KeptFrame
from autotag_core.frames.stills.pixels import Pixels

if TYPE_CHECKING:
    from autotag_core.faces.persons import SeenFace
    from autotag_core.ocr.lines import ReadText


class CanvasKeeper(Protocol):
    """Takes its own copies of some of a GIF's canvases."""

    max_frames: int

    def keep(self, canvas: Pixels) -> Pixels:
        """What is kept of a canvas (height, width, 4) until the GIF is read."""


class TextReader(CanvasKeeper, Protocol):
    """Reads what is written in a GIF."""

    def read(self, kept: Sequence[Pixels]) -> ReadText:
        """The text of one GIF from its kept canvases, in order of time; may raise anything."""


class FaceReader(CanvasKeeper, Protocol):
    """Finds the faces in a GIF."""

    def read(self, kept: Sequence[KeptFrame]) -> tuple[SeenFace, ...]:
        """The faces in what was kept of its frames; may raise anything."""


@dataclass(frozen=True)
class Readers:
    """What is read from a GIF's canvases besides its sampled frames. None: not asked."""

    text: TextReader | None = None
    faces: FaceReader | None = None


NO_READERS = Readers()


def load_readers(text: TextConfig | None, faces: FacesConfig | None) -> Readers:
    """Those that are asked for, loaded once per process. InputError where a package or a model is missing."""
    reader: TextReader | None = None
    looker: FaceReader | None = None
    if text is not None:
        from autotag_core.ocr import load_reader

        reader = load_reader(text)
    if faces is not None:
        from autotag_core.faces.looker import load_looker  # with torch, which a night of other experts may not need

        looker = load_looker(faces.max_frames, faces.model)
    return Readers(reader, looker)
