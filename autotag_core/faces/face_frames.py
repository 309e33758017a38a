"""A file's frames at their own resolution, for one file at a time."""

from __future__ import annotations

from autotag_core.config import FramesConfig
from autotag_core.faces.frame_keeper import FrameKeeper
from autotag_core.frames.decode import Keep, KeptFrame
from autotag_core.frames.load import decode_checked


def face_frames(data: bytes, config: FramesConfig, keeper: FrameKeeper) -> tuple[KeptFrame, ...]:
    """What is kept of a file's frames, evenly over the playing time.

    ItemError as for the night's frames: the same limits hold.
    """
    config = config.model_copy(update={"num_frames": keeper.max_frames, "sampling": "time"})
    _, decoded = decode_checked(data, config, lambda indices: [Keep(frozenset(indices), keeper.keep)])
    return decoded.kept[0]
