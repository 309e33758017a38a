"""What a file's header says: format, canvas, frames and delays. No pixel is decoded and no canvas allocated."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin

from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames.gif_blocks import GifFrame, read_gif_blocks
from autotag_core.frames.webp_chunks import read_webp_chunks

# broken metadata beside sound pixels is not worth a line in a log of millions of files
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")

STILL_FORMATS: dict[str, type[ImageFile.ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
}
"""Opened by class: `Image.open` would try other formats (MPO), and has its own bomb limit beside the config's."""


@dataclass(frozen=True)
class Header:
    """A file's header: the canvas in pixels, as it will be allocated; delays as browsers show them (0 ms if still)."""

    format: str
    width: int
    height: int
    num_frames: int
    delays_ms: tuple[int, ...]
    num_bytes: int
    truncated: bool
    gif_frames: tuple[GifFrame, ...] = ()

    @property
    def duration_ms(self) -> int:
        """Playing time of one loop."""
        return sum(self.delays_ms)

    def canvas_pixels(self, num_frames: int) -> int:
        """Pixels held at once to decode the first frames: the canvas, or the largest frame if that is larger."""
        frames = self.gif_frames[:num_frames]
        return max([self.width * self.height, *(frame.width * frame.height for frame in frames)])

    def num_pixels(self, num_frames: int) -> int:
        """Pixels allocated to decode the first frames: for each the canvas, or the frame if that is larger."""
        canvas = self.width * self.height
        if not self.gif_frames:
            return canvas * num_frames
        return sum(max(canvas, frame.width * frame.height) for frame in self.gif_frames[:num_frames])


def read_header(data: bytes) -> Header:
    """The header of a GIF, PNG, JPEG or WebP. Raises only ItemError: EMPTY_FILE, NOT_AN_IMAGE or UNDECODABLE.

    An animated PNG counts as a still image: its default image.
    """
    if not data:
        raise ItemError(Stage.FRAMES, Reason.EMPTY_FILE, "the file has 0 bytes")
    if data.startswith((b"GIF87a", b"GIF89a")):
        header = _read_gif(data)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        header = _read_webp(data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        header = _read_still(data, "PNG")
    elif data.startswith(b"\xff\xd8\xff"):
        header = _read_still(data, "JPEG")
    else:
        # no byte of the file is repeated: the catalog may name one that its reader may not see
        kind = "bytes of text" if data[:64].isascii() and b"\0" not in data[:64] else "bytes"
        message = f"{len(data):,} {kind}; it must be a GIF, PNG, JPEG or WebP"
        raise ItemError(Stage.FRAMES, Reason.NOT_AN_IMAGE, message)
    if header.width == 0 or header.height == 0:
        raise undecodable(f"the canvas is {header.width} x {header.height} pixels")
    return header


def undecodable(message: str) -> ItemError:
    """The ItemError of a file that has a header but no frame that can be read."""
    return ItemError(Stage.FRAMES, Reason.UNDECODABLE, message)


def _read_gif(data: bytes) -> Header:
    blocks = read_gif_blocks(data)
    if not blocks.frames:
        raise undecodable(f"a GIF header, but no frame in {len(data):,} bytes")
    delays = tuple(frame.delay_ms for frame in blocks.frames)
    return Header(
        "GIF", blocks.width, blocks.height, len(delays), delays, len(data), blocks.truncated, gif_frames=blocks.frames
    )


def _read_webp(data: bytes) -> Header:
    chunks = read_webp_chunks(data)
    if chunks is None or not chunks.delays_ms:
        raise undecodable(f"a WebP header, but no whole frame in {len(data):,} bytes")
    delays = chunks.delays_ms
    return Header("WEBP", chunks.width, chunks.height, len(delays), delays, len(data), chunks.truncated)


def _read_still(data: bytes, name: str) -> Header:
    try:
        image: Image.Image = STILL_FORMATS[name](io.BytesIO(data))
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises errors of many classes on broken files, none of them its own
        raise undecodable(f"the {name} header cannot be read ({type(error).__name__})") from None
    return Header(name, *image.size, num_frames=1, delays_ms=(0,), num_bytes=len(data), truncated=False)
