"""What a file's header says: format, canvas, frames and delays. No pixel is decoded and no canvas allocated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames.frame_canvas import plan_frames
from autotag_core.frames.gif_blocks import GifFrame, read_gif_blocks
from autotag_core.frames.patches import Patch
from autotag_core.frames.stills.avif import is_avif, read_avif
from autotag_core.frames.stills.jpeg import read_jpeg
from autotag_core.frames.stills.orientation import UPRIGHT, is_turned
from autotag_core.frames.stills.png import SIGNATURE, read_png
from autotag_core.frames.stills.webp import read_webp
from autotag_core.frames.videos import webm
from autotag_core.frames.videos.mp4 import is_mp4, read_mp4
from autotag_core.frames.videos.video import Video

_HELD_BY_VIDEOS = 3
"""A decoder holds up to 16 frames beside the canvas, 1.5 bytes a pixel, or 3 with more than 8 bits."""


@dataclass(frozen=True)
class Header:
    """A file's header: the canvas in pixels, as it is shown; delays as browsers show them (0 ms if still).

    `frames` are those of an animation. A still picture has none, but the `orientation` in which it is stored. A video
    has its packets.
    """

    format: str
    width: int
    height: int
    num_frames: int
    delays_ms: tuple[int, ...]
    num_bytes: int
    truncated: bool
    frames: tuple[GifFrame, ...] | tuple[Patch, ...] = ()
    orientation: int = UPRIGHT
    video: Video | None = None

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height before the orientation turns them."""
        return (self.height, self.width) if is_turned(self.orientation) else (self.width, self.height)

    @property
    def duration_ms(self) -> int:
        """Playing time of one loop."""
        return sum(self.delays_ms)

    @property
    def canvas_pixels(self) -> int:
        """Pixels of the canvas: what is held at once, however many frames there are."""
        return self.width * self.height

    @property
    def held_pixels(self) -> int:
        """Pixels of the canvas, times how much more memory decoding takes than it takes for a GIF."""
        return self.canvas_pixels * (_HELD_BY_VIDEOS if self.video is not None else 1)

    def num_pixels(self, indices: Sequence[int]) -> tuple[int, int]:
        """Pixels that are painted to show these frames (ascending), and how many frames that takes.

        A frame counts as the canvas, or as what is decoded of it if that is more.
        """
        if self.video is not None:
            num_decoded = self.video.num_decoded(indices)
            return self.canvas_pixels * num_decoded, num_decoded
        if not self.frames:
            return self.canvas_pixels, 1
        pixels = num_painted = 0
        for step in plan_frames(self.frames, self.width, self.height, indices):
            if step.paint:
                num_painted += 1
                pixels += max(self.canvas_pixels, self.frames[step.frame_index].decoded_pixels(self.width, self.height))
        return pixels, num_painted


def read_header(data: bytes) -> Header:
    """The header of a picture or video. Raises only ItemError: EMPTY_FILE, NOT_AN_IMAGE or UNDECODABLE."""
    if not data:
        raise ItemError(Stage.FRAMES, Reason.EMPTY_FILE, "the file has 0 bytes")
    if data.startswith((b"GIF87a", b"GIF89a")):
        header = _read_gif(data)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        header = _read_webp(data)
    elif data.startswith(SIGNATURE):
        header = _read_png(data)
    elif data.startswith(b"\xff\xd8\xff"):
        header = _read_jpeg(data)
    elif is_avif(data):
        header = _read_avif(data)
    elif is_mp4(data):
        header = _read_video(data, "MP4", read_mp4(data))
    elif data.startswith(webm.SIGNATURE):
        header = _read_video(data, "WEBM", webm.read_webm(data))
    else:
        # no byte of the file is repeated: the catalog may name one that its reader may not see
        kind = "bytes of text" if data[:64].isascii() and b"\0" not in data[:64] else "bytes"
        message = f"{len(data):,} {kind}; it must be a GIF, PNG, JPEG, WebP, AVIF, MP4 or WebM"
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
    return Header("GIF", blocks.width, blocks.height, len(delays), delays, len(data), blocks.truncated, blocks.frames)


def _read_webp(data: bytes) -> Header:
    webp = read_webp(data)
    if webp is None or not webp.pictures:
        raise undecodable(f"a WebP header, but no whole frame in {len(data):,} bytes")
    if webp.is_animated:
        delays = tuple(frame.delay_ms for frame in webp.pictures)
        return Header(
            "WEBP", webp.width, webp.height, len(delays), delays, len(data), webp.truncated, frames=webp.pictures
        )
    return _still(data, "WEBP", webp.width, webp.height, webp.orientation, webp.truncated)


def _read_png(data: bytes) -> Header:
    png = read_png(data)
    if png is None:
        raise undecodable(f"a PNG signature, but no picture in {len(data):,} bytes")
    if png.is_animated:
        delays = tuple(frame.delay_ms for frame in png.pictures)
        return Header("PNG", png.width, png.height, len(delays), delays, len(data), png.truncated, frames=png.pictures)
    return _still(data, "PNG", png.width, png.height, png.orientation, png.truncated)


def _read_jpeg(data: bytes) -> Header:
    jpeg = read_jpeg(data)
    if jpeg is None:
        raise undecodable(f"a JPEG marker, but no size in {len(data):,} bytes")
    return _still(data, "JPEG", jpeg.width, jpeg.height, jpeg.orientation)


def _read_avif(data: bytes) -> Header:
    avif = read_avif(data)
    if avif is None:
        raise undecodable(f"AVIF: no size or no frame in {len(data):,} bytes")
    if avif.video is not None:
        return _read_video(data, "AVIF", avif.video)
    return _still(data, "AVIF", avif.width, avif.height, avif.orientation)


def _read_video(data: bytes, name: str, video: Video | None) -> Header:
    if video is None:
        raise undecodable(f"{name}: no video of H.264, H.265, VP8, VP9 or AV1 in {len(data):,} bytes")
    width, height = video.track.width, video.track.height
    if is_turned(video.track.orientation):
        width, height = height, width
    delays = video.delays_ms
    return Header(name, width, height, len(delays), delays, len(data), video.truncated, video=video)


def _still(data: bytes, name: str, width: int, height: int, orientation: int, truncated: bool = False) -> Header:
    if is_turned(orientation):
        width, height = height, width
    return Header(name, width, height, 1, (0,), len(data), truncated, orientation=orientation)
