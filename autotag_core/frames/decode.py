"""From a file's bytes to the frames that the model sees."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError
from autotag_core.frames.canvases import composite_frames
from autotag_core.frames.header import Header, undecodable
from autotag_core.frames.limits import CpuBudget
from autotag_core.frames.resize import fit_into
from autotag_core.frames.stills.pixels import Pixels

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class DecodedFrames:
    """Sampled frames in order. `indices` are the frames that could be read; `notes` say what was unusual."""

    frames: torch.Tensor  # (n, 3, size, size) uint8 RGB, 1 <= n
    indices: tuple[int, ...]
    notes: tuple[str, ...]  # of still_image, single_frame, truncated
    kept: tuple[tuple[KeptFrame, ...], ...] = ()
    """For each Keep what it has kept, frames in order."""


@dataclass(frozen=True)
class Keep:
    """Which of the sampled frames are also wanted at native resolution, and what is kept of such a canvas."""

    indices: Collection[int]
    copy: Callable[[Pixels], Pixels]


@dataclass(frozen=True, eq=False)
class KeptFrame:
    """What was kept of a frame. `width` is its canvas' in pixels; that of what was kept may be less."""

    index: int
    width: int
    pixels: Pixels


def decode_frames(
    data: bytes,
    header: Header,
    indices: Sequence[int],
    config: FramesConfig,
    keeps: Sequence[Keep] = (),
) -> DecodedFrames:
    """The sampled frames of a file whose limits were checked; indices are ascending and distinct.

    Frames are composited on config.background at native resolution, then resized. A cut or broken file gives the
    sampled frames that can be read wholly or partly. ItemError UNDECODABLE where there is none, TOO_MANY_PIXELS where
    they take more than decode_cpu_s. The same bytes give the same frames, whatever the number of threads.
    """
    import torch

    budget = CpuBudget(config)
    frames = torch.empty((len(indices), 3, config.size, config.size), dtype=torch.uint8)
    decoded: list[int] = []
    kept: list[list[KeptFrame]] = [[] for _ in keeps]
    truncated = header.truncated
    try:
        for canvas in composite_frames(data, header, indices, config.background, budget.check):
            fit_into(frames[len(decoded)], canvas.pixels)
            decoded.append(canvas.frame_index)
            for keep, found in zip(keeps, kept, strict=True):
                if canvas.frame_index in keep.indices:
                    found.append(KeptFrame(canvas.frame_index, canvas.pixels.shape[1], keep.copy(canvas.pixels)))
            truncated = truncated or canvas.damaged
    except (ItemError, MemoryError):
        raise
    except Exception as error:  # Pillow raises errors of many classes on broken files, none of them its own
        raise undecodable(f"{header.format}: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from None
    if not decoded:
        raise undecodable(f"not one of the {len(indices):,} sampled frames of this {header.format} can be read")
    notes = []
    if header.num_frames == 1:
        notes.append("single_frame" if header.format == "GIF" or header.video else "still_image")
    if truncated or len(decoded) < len(indices):
        notes.append("truncated")
    return DecodedFrames(frames[: len(decoded)], tuple(decoded), tuple(notes), tuple(map(tuple, kept)))
