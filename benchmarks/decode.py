"""From a GIF's bytes to frames: this project against Pillow alone, one core:
`python -m benchmarks.decode FOLDER_OR_GIF ... [--files 60] [--rounds 5] [--json]`.

Both sides get the same bytes in memory and the same frame indices, composite on white and make (n, 3, 224, 224) uint8
RGB: the shorter side scaled to 224 by an antialiased bilinear filter, the centre cut out. They take turns, file by
file; the time is this process's CPU time. Before any time is taken the frames of both are compared: the two filters
round differently, by one level of 255 and at one value in a thousand by two. GIFs that differ in more than that, since
Pillow composites them in another way, are counted and left out of the times.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError
from autotag_core.frames import decode_frames, read_header, sample_indices
from autotag_core.frames.header import Header

CONFIG = FramesConfig()


@dataclass(frozen=True)
class File:
    """A GIF in memory, and which of its frames are wanted."""

    data: bytes
    header: Header
    indices: list[int]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--files", type=int, default=60, help="of each folder, spread evenly")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print one JSON object a folder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for path in options.paths:
        figures = measure(chosen(path, options.files), options.rounds)
        print(json.dumps({"name": str(path), **figures}) if options.json else f"{path}: {as_text(figures)}")


def chosen(path: Path, num_files: int) -> list[Path]:
    """The GIFs of a folder, evenly spread, or the one that is named."""
    files = sorted(path.rglob("*.gif")) if path.is_dir() else [path]
    return files[:: max(1, len(files) // num_files)][:num_files]


def measure(paths: list[Path], rounds: int) -> dict[str, float]:
    """Frames per second of both sides over the files on which they agree; medians over the rounds, and their ratio."""
    files = [file for path in paths if (file := opened(path.read_bytes())) is not None]
    agreeing = [file for file in files if agrees(file)]
    num_frames = sum(len(file.indices) for file in agreeing)
    seconds: dict[str, list[float]] = {"ours": [], "pillow": []}
    for _ in range(rounds):
        spent = dict.fromkeys(seconds, 0.0)
        for file in agreeing:
            for name, decode in (("ours", ours), ("pillow", pillow)):
                spent[name] += timed(lambda decode=decode, file=file: decode(file))  # type: ignore[misc]
        for name, found in seconds.items():
            found.append(spent[name])
    ratios = [theirs / own for theirs, own in zip(seconds["pillow"], seconds["ours"], strict=True)]
    return {
        "files": len(agreeing),
        "files_composited_otherwise": len(files) - len(agreeing),
        "frames": num_frames,
        "frames_per_s": round(num_frames / statistics.median(seconds["ours"]), 1),
        "pillow_frames_per_s": round(num_frames / statistics.median(seconds["pillow"]), 1),
        "ratio": round(statistics.median(ratios), 2),
    }


def opened(data: bytes) -> File | None:
    """None for a file that is not whole or has no frame."""
    try:
        header = read_header(data)
    except ItemError:
        return None
    if header.format != "GIF" or header.truncated:
        return None
    return File(data, header, sample_indices(header.delays_ms, CONFIG.num_frames, CONFIG.sampling))


def ours(file: File) -> np.ndarray:
    """Frames (n, 3, 224, 224) as the job makes them."""
    frames: np.ndarray = decode_frames(file.data, file.header, file.indices, CONFIG).frames.numpy()
    return frames


def pillow(file: File) -> np.ndarray:
    """The same by Pillow: every frame up to the last one wanted, each wanted one composited, resized and cut."""
    found = []
    with Image.open(io.BytesIO(file.data)) as image:
        for index in range(file.indices[-1] + 1):
            image.seek(index)
            image.load()
            if index in file.indices:
                rgba = image.convert("RGBA")
                white = Image.new("RGBA", rgba.size, (*CONFIG.background, 255))
                found.append(fitted(Image.alpha_composite(white, rgba).convert("RGB"), CONFIG.size))
    return np.stack(found)


def fitted(image: Image.Image, size: int) -> np.ndarray:
    """(3, size, size): resized by the shorter side, the centre cut out."""
    width, height = image.size
    shorter = min(width, height)
    width, height = size * width // shorter, size * height // shorter
    resized = image.resize((width, height), Image.Resampling.BILINEAR)
    left, top = round((width - size) / 2), round((height - size) / 2)
    return np.asarray(resized.crop((left, top, left + size, top + size))).transpose(2, 0, 1)


def agrees(file: File) -> bool:
    """Whether the frames of both sides are the same but for rounding."""
    own, theirs = ours(file), pillow(file)
    if own.shape != theirs.shape:
        return False
    difference = np.abs(own.astype(np.int16) - theirs)
    return bool(difference.max() <= 2 and (difference > 1).mean() < 1e-3)


def timed(work: Callable[[], object]) -> float:
    """CPU seconds of this process."""
    start = time.process_time()
    work()
    return time.process_time() - start


def as_text(figures: dict[str, float]) -> str:
    """One line."""
    return (
        f"{figures['frames_per_s']} frames/s against {figures['pillow_frames_per_s']} by Pillow: "
        f"{figures['ratio']} times ({figures['files']} files, {figures['frames']} frames; "
        f"{figures['files_composited_otherwise']} others Pillow composites in another way)"
    )


if __name__ == "__main__":
    main()
