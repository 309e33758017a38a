"""What reading the words in GIFs costs, and what the first look loses: `python -m benchmarks.read_text CATALOG.jsonl`.

Seconds are CPU seconds of this process, so other processes on the machine do not count. With a truth (JSON lines with
gif_id and factors.written, as `autotag sample` writes them) it also says how many of the GIFs with words were found.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from autotag_core.config import FramesConfig, TextConfig
from autotag_core.drawing.factors import WORDS
from autotag_core.failures import ItemError
from autotag_core.frames.decode import Keep, decode_frames
from autotag_core.frames.fetch import fetch_bytes
from autotag_core.frames.header import read_header
from autotag_core.frames.sampling import sample_indices
from autotag_core.frames.stills.pixels import Pixels
from autotag_core.ocr import ReadText, TextReader, load_reader, merge_lines
from autotag_core.ocr.lines import letters_of


@dataclass(frozen=True)
class Reading:
    """A GIF read in one way: CPU seconds, and what was read."""

    gif_id: str
    seconds: float
    text: str | None


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("truth", type=Path, nargs="?")
    parser.add_argument("--gifs", type=int, default=150, help="how many, spread evenly over the catalog")
    parser.add_argument("--frames", type=int, default=TextConfig().max_frames, help="text.max_frames")
    parser.add_argument("--look", type=int, default=TextConfig().first_look_side, help="text.first_look_side")
    parser.add_argument("--scale", type=int, default=1, help="enlarge the frames so many times, up to text.max_side")
    options = parser.parse_args()
    reader = load_reader(TextConfig(max_frames=options.frames).model_copy(update={"first_look_side": options.look}))
    kept = kept_frames(options.catalog, options.gifs, reader)
    kept = {gif_id: [enlarged(frame, options.scale) for frame in frames] for gif_id, frames in kept.items()}
    for frames in list(kept.values())[:3]:
        read_all(reader, frames)  # the first calls also allocate
    looked = read_gifs(kept, reader, TextReader.read)
    full = read_gifs(kept, reader, read_all)
    ratio = sum(item.seconds for item in full) / sum(item.seconds for item in looked)
    print(f"{len(kept)} GIFs, {options.frames} frames, look at {options.look} px: {ratio:.2f} x as fast as without")
    written = read_truth(options.truth) if options.truth else None
    for name, readings in (("with the first look", looked), ("without", full)):
        report(name, readings, written)


def kept_frames(catalog: Path, num_gifs: int, reader: TextReader) -> dict[str, list[Pixels]]:
    """The frames that a reader is given, by gif_id; GIFs that can't be decoded are left out."""
    rows = [json.loads(line) for line in catalog.read_text(encoding="utf-8").splitlines()]
    config = FramesConfig()
    kept = {}
    for row in rows[:: max(1, len(rows) // num_gifs)][:num_gifs]:
        try:
            data = fetch_bytes(str(catalog.parent / row["uri"]), config)
            header = read_header(data)
            indices = sample_indices(header.delays_ms, config.num_frames, config.sampling)
            positions = sample_indices([0] * len(indices), reader.max_frames, "index")
            keep = Keep([indices[position] for position in positions], reader.keep)
            kept[row["gif_id"]] = [one.pixels for one in decode_frames(data, header, indices, config, [keep]).kept[0]]
        except ItemError as error:
            print(f"{row['gif_id']}: {error}")
    return kept


def enlarged(frame: Pixels, times: int) -> Pixels:
    """The frame so many times as large: the sample's GIFs are small, those on the web are not."""
    height, width = frame.shape[:2]
    return np.asarray(Image.fromarray(frame).resize((width * times, height * times), Image.Resampling.BICUBIC))


def read_all(reader: TextReader, frames: Sequence[Pixels]) -> ReadText:
    """Every kept frame read, whatever is in it."""
    lines = merge_lines([reader.read_frame(frame) for frame in frames])
    return ReadText(tuple(line for line in lines if line.confidence >= TextConfig().min_confidence))


def read_gifs(
    kept: dict[str, list[Pixels]], reader: TextReader, read: Callable[[TextReader, Sequence[Pixels]], ReadText]
) -> list[Reading]:
    """Each GIF read by `read`."""
    readings = []
    for gif_id, frames in kept.items():
        start = time.process_time()
        text = read(reader, frames).text
        readings.append(Reading(gif_id, time.process_time() - start, text))
    return readings


def read_truth(path: Path) -> dict[str, list[str]]:
    """By gif_id, the tags of the words that are truly written in it."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["gif_id"]: row["factors"]["written"] for row in rows}


def report(name: str, readings: list[Reading], written: dict[str, list[str]] | None) -> None:
    """One line of figures."""
    found = [item for item in readings if item.text is not None]
    seconds = sum(item.seconds for item in readings)
    line = f"{name:<20} {1000 * seconds / len(readings):6.1f} ms a GIF, words in {len(found) / len(readings):.1%}"
    empty = [item for item in readings if item.text is None]
    line += f" ({1000 * sum(item.seconds for item in empty) / max(1, len(empty)):.1f} ms where there are none)"
    if written is not None:
        true = [item for item in readings if written.get(item.gif_id)]
        false = [item for item in found if not written.get(item.gif_id)]
        right = [item for item in true if item.text and letters_of(item.text) in spellings(written[item.gif_id])]
        line += f"; of {len(true)} with words {sum(item.text is not None for item in true) / len(true):.1%} found, "
        line += f"{len(right) / len(true):.1%} letter by letter; {len(false)} of the others"
    print(line)


def spellings(tags: list[str]) -> set[str]:
    """What the sample may have written for these tags, letters alone."""
    return {letters_of(words) for tag in tags for words in WORDS[tag]}


if __name__ == "__main__":
    main()
