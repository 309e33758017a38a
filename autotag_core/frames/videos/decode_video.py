"""Pixels of a video's frames, by FFmpeg's decoders in PyAV. They see packets in memory: no file and no address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames.stills.orientation import orient
from autotag_core.frames.stills.pixels import Pixels
from autotag_core.frames.videos.video import Track, Video

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame

_MORE_PIXELS = 128
"""Decoders round sides up to whole blocks, of 128 pixels at most (AV1)."""
_EXACT = 0x40000 | 0x4000 | 0x2000 | 4
"""swscale's ACCURATE_RND, FULL_CHR_H_INP, FULL_CHR_H_INT and BICUBIC. By its defaults, which are fast, green comes out
0.7 levels too dark, and videos are no copies of their GIFs."""


class ShownFrame(NamedTuple):
    """A frame as it is shown. `damaged`: the decoder has made up some of it."""

    frame_index: int
    pixels: Pixels  # (height, width, 4): R, G, B, 255
    damaged: bool


def decode_video(
    data: bytes, video: Video, indices: Sequence[int], check: Callable[[], None] = lambda: None
) -> Iterator[ShownFrame]:
    """The frames of these indices, ascending. A packet that can't be decoded is left out, and so is its frame.

    Only what they need is decoded, on one thread, and no more frames are held than a decoder holds by itself: at most
    16. `check` is called before each packet, and may raise. ItemError MISSING_PACKAGE without PyAV.
    """
    context = _open(video.track)
    index_of = {place: index for index, place in enumerate(video.shown)}
    wanted, last = set(indices), -1
    for part in video.parts(indices):
        for frame in _frames(data, video, part, index_of, context, check):
            index = frame.pts
            if index is not None and index in wanted and index > last:
                last = index
                yield ShownFrame(index, _pixels(frame, video.track), frame.is_corrupt)
        context.flush_buffers()


def _open(track: Track) -> VideoCodecContext:
    """A decoder of this track's frames that takes none with more pixels than its header says."""
    try:
        import av
    except ImportError:
        message = "a video, and the package av is not installed: pip install 'autotag[video]'"
        raise ItemError(Stage.FRAMES, Reason.MISSING_PACKAGE, message) from None
    context = cast("VideoCodecContext", av.CodecContext.create(track.decoder, "r"))
    context.thread_count = 1
    context.options = {"max_pixels": str((track.width + _MORE_PIXELS) * (track.height + _MORE_PIXELS))}
    if track.setup:
        context.extradata = track.setup
    return context


def _frames(
    data: bytes,
    video: Video,
    part: range,
    index_of: dict[int, int],
    context: VideoCodecContext,
    check: Callable[[], None],
) -> Iterator[VideoFrame]:
    """All frames of a part as the decoder gives them, in the order shown. `pts` is their index, -1 of a hidden one."""
    import av

    for place in (*part, None):
        check()
        packet = None
        if place is not None:
            sample = video.samples[place]
            packet = av.Packet(data[sample.start : sample.end])
            packet.pts = packet.dts = index_of.get(place, -1)
        try:
            yield from context.decode(packet)
        except MemoryError:
            raise
        except av.error.FFmpegError:
            continue


def _pixels(frame: VideoFrame, track: Track) -> Pixels:
    """RGB as it is shown: (height, width, 4). A frame of another size is scaled to the canvas, as browsers do."""
    shown = frame.reformat(track.width, track.height, "rgba", interpolation=_EXACT, threads=1)
    pixels = cast("Pixels", shown.to_ndarray())
    pixels[..., 3] = 255
    return orient(pixels, track.orientation)
