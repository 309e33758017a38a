"""What a file may cost, checked from its header before a pixel is decoded."""

from __future__ import annotations

import time
from collections.abc import Sequence

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames.header import Header


def check_num_bytes(num_bytes: int, config: FramesConfig) -> None:
    """Raise FILE_TOO_LARGE past max_bytes."""
    if num_bytes > config.max_bytes:
        raise _refusal(
            Reason.FILE_TOO_LARGE, f"{num_bytes:,} bytes; the limit is {config.max_bytes:,} (frames.max_bytes)"
        )


def check_header(header: Header, config: FramesConfig) -> None:
    """Raise the first reason that applies: TOO_MANY_FRAMES, TOO_FEW_FRAMES, TOO_SHORT, TOO_LONG."""
    frames, duration = header.num_frames, header.duration_ms
    if frames > config.max_frames:
        message = f"{frames:,} frames; the limit is {config.max_frames:,} (frames.max_frames)"
        raise _refusal(Reason.TOO_MANY_FRAMES, message)
    if frames < config.min_frames:
        message = f"{frames:,} frames; it must have at least {config.min_frames:,} (frames.min_frames)"
        raise _refusal(Reason.TOO_FEW_FRAMES, message)
    if duration < config.min_duration_ms:
        message = f"plays {duration:,} ms; it must play at least {config.min_duration_ms:,} (frames.min_duration_ms)"
        raise _refusal(Reason.TOO_SHORT, message)
    if config.max_duration_ms is not None and duration > config.max_duration_ms:
        message = f"plays {duration:,} ms; the limit is {config.max_duration_ms:,} (frames.max_duration_ms)"
        raise _refusal(Reason.TOO_LONG, message)


def check_pixels(header: Header, indices: Sequence[int], config: FramesConfig) -> None:
    """Raise TOO_MANY_PIXELS where the canvas needs too much memory, or the sampled frames too much work."""
    size = f"{header.width} x {header.height}"
    most = config.max_canvas_pixels
    if header.video is not None:
        most = min(most, config.max_video_pixels)
    if header.canvas_pixels > most:
        message = f"{header.canvas_pixels:,} pixels in the canvas, {size}; at most {most:,} are decoded"
        raise _refusal(Reason.TOO_MANY_PIXELS, message)
    pixels, num_frames = header.num_pixels(indices)
    if pixels > config.max_pixels:
        message = (
            f"{pixels:,} pixels in the {num_frames:,} frames to decode (canvas {size}); "
            f"the limit is {config.max_pixels:,} (frames.max_pixels)"
        )
        raise _refusal(Reason.TOO_MANY_PIXELS, message)


class CpuBudget:
    """Bounds the CPU time that the thread which made it spends on one item."""

    def __init__(self, config: FramesConfig) -> None:
        self._limit_s = config.decode_cpu_s
        self._start = time.thread_time()

    def check(self) -> None:
        """Raise TIMED_OUT once the time is used up."""
        if time.thread_time() - self._start > self._limit_s:
            message = f"not decoded after {self._limit_s:g} s of CPU time, which is the limit"
            raise _refusal(Reason.TIMED_OUT, message)


def _refusal(reason: Reason, message: str) -> ItemError:
    return ItemError(Stage.FRAMES, reason, message)
