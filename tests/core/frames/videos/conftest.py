"""Videos that the tests make themselves, by PyAV's encoders."""

from __future__ import annotations

import io
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

MILLISECOND = Fraction(1, 1000)
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
KINDS = {
    "H.264": ("mp4", "h264", {}),
    "H.264 in fragments": ("mp4", "h264", FRAGMENTED),
    "H.264 in MOV": ("mov", "h264", {}),
    "H.264 in Matroska": ("matroska", "h264", {}),
    "VP8": ("webm", "libvpx", {}),
    "VP9": ("webm", "libvpx-vp9", {}),
    "VP9 in MP4": ("mp4", "libvpx-vp9", {}),
}


def pictures(num_frames=30, height=48, width=64):
    """Frames (height, width, 3) whose red says which they are, and whose other colours say what is up and left."""
    rows, columns = np.mgrid[:height, :width]
    green, blue = rows * 255 // height, columns * 255 // width
    return [np.stack([np.full_like(rows, 8 * i), green, blue], -1).astype(np.uint8) for i in range(num_frames)]


def encode(frames, container="mp4", codec="h264", options=None, *, times=None, pixels="yuv420p", gop=8, sound=False):
    """The bytes of a video: a key frame every so often, 25 frames a second, or shown at `times` in milliseconds."""
    av = pytest.importorskip("av")
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as output:
        stream = output.add_stream(codec, rate=25, options={"threads": "1"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.gop_size = pixels, gop
        stream.bit_rate = 4_000_000
        audio = output.add_stream("aac", rate=8000) if sound else None
        if times is not None:
            stream.codec_context.time_base = MILLISECOND
        for i, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[i], MILLISECOND
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
        if audio is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
            silence.sample_rate = 8000
            output.mux(audio.encode(silence) + audio.encode())
    return file.getvalue()


@pytest.fixture(scope="session")
def videos():
    """videos.pictures(n, height, width), videos.encode(frames, container, codec, options, ...) and videos.kinds."""
    return SimpleNamespace(pictures=pictures, encode=encode, kinds=KINDS)


@pytest.fixture(scope="session", params=KINDS)
def kind(request):
    """(container, codec, options) of each kind of file."""
    return KINDS[request.param]
