"""Paints the frames of an animated PNG or WebP, each decoded alone, so that a broken one costs no other."""

from __future__ import annotations

from collections.abc import Callable

from autotag_core.frames.frame_canvas import Area, Frame, FrameCanvas
from autotag_core.frames.patches import Patch
from autotag_core.frames.stills.pixels import Picture, paint_over


class PatchCanvas(FrameCanvas):
    """A canvas for patches. `decode` gives a patch's pixels, or None where none can be read."""

    def __init__(
        self, width: int, height: int, background: tuple[int, int, int], decode: Callable[[Patch], Picture | None]
    ) -> None:
        super().__init__(width, height, background)
        self._decode = decode

    def _paint(self, frame: Frame, area: Area) -> tuple[int, int]:
        assert isinstance(frame, Patch)
        num_pixels = frame.width * frame.height
        picture = self._decode(frame)
        if picture is None:
            return num_pixels, 0
        if frame.replaces and not picture.num_missing:
            self._canvas[area] = self._background
        paint_over(self.pixels()[area], picture.pixels)
        return picture.num_missing, num_pixels - picture.num_missing
