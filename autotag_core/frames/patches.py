"""Frames of an animated PNG or WebP: where each lies on the canvas, how it is painted, and where its data is."""

from __future__ import annotations

from typing import NamedTuple


class Patch(NamedTuple):
    """One frame, inside its canvas. left, top, width and height are in pixels."""

    left: int
    top: int
    width: int
    height: int
    disposal: int = 1  # as in a GIF: 1 keep, 2 clear the frame's area, 3 put back what was there
    replaces: bool = True  # its transparent pixels too; otherwise what lies below shows through them
    delay_ms: int = 0
    parts: tuple[tuple[int, int], ...] = ()  # (start, end) of its pieces in the file

    @property
    def opaque(self) -> bool:
        """Whether nothing of what was there before stays in its area."""
        return self.replaces

    def decoded_pixels(self, width: int, height: int) -> int:
        """How many of its pixels are decoded for a canvas of this size: all, since it lies inside."""
        del width, height
        return self.width * self.height
