"""What a file may cost, checked from its header before a pixel is decoded."""

from __future__ import annotations

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
    """Raise TOO_MANY_PIXELS where reaching the last sampled frame may cost more than max_pixels."""
    num_frames = indices[-1] + 1
    pixels = header.num_pixels(num_frames)
    if pixels > config.max_pixels:
        message = (
            f"{pixels:,} pixels in the first {num_frames:,} frames (canvas {header.width} x {header.height}); "
            f"the limit is {config.max_pixels:,} (frames.max_pixels)"
        )
        raise _refusal(Reason.TOO_MANY_PIXELS, message)


def _refusal(reason: Reason, message: str) -> ItemError:
    return ItemError(Stage.FRAMES, reason, message)
