"""What reading words costs, and what text.read=likely loses: `python -m benchmarks.read_text CATALOG.jsonl`.

Each GIF is read in both ways. Seconds are CPU seconds of this process, so other processes on the
machine do not count. *Found* are GIFs in which `all` reads words: what OCR itself does not read, nobody loses. With a
truth (JSON lines with gif_id and factors.written, as `autotag sample` writes them) it also says how many of the GIFs
with words were found.
"""

from __future__ import annotations

import argparse
import json
import time
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
from autotag_core.ocr import TextReader, load_reader
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
    parser.add_argument("--scale", type=int, default=1, help="enlarge the frames so many times, up to text.max_side")
    options = parser.parse_args()
    readers = {way: load_reader(TextConfig(max_frames=options.frames, read=way)) for way in ("likely", "all")}
    kept = kept_frames(options.catalog, options.gifs, readers["all"])
    kept = {gif_id: [enlarged(frame, options.scale) for frame in frames] for gif_id, frames in kept.items()}
    for frames in list(kept.values())[:3]:
        for reader in readers.values():
            reader.read(frames)  # the first calls also allocate
    likely, everything = (read_gifs(kept, reader) for reader in readers.values())
    ratio = sum(item.seconds for item in everything) / sum(item.seconds for item in likely)
    print(f"{len(kept)} GIFs, {options.frames} frames: {ratio:.2f} x as fast as with read=all")
    written = read_truth(options.truth) if options.truth else None
    texts = {item.gif_id: item.text for item in everything}
    for name, readings in (("read=likely", likely), ("read=all", everything)):
        report(name, readings, texts, written)


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


def read_gifs(kept: dict[str, list[Pixels]], reader: TextReader) -> list[Reading]:
    """Each GIF read."""
    readings = []
    for gif_id, frames in kept.items():
        start = time.process_time()
        read = reader.read(frames)
        readings.append(Reading(gif_id, time.process_time() - start, read.text))
    return readings


def read_truth(path: Path) -> dict[str, list[str]]:
    """By gif_id, the tags of the words that are truly written in it."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {row["gif_id"]: row["factors"]["written"] for row in rows}


def report(
    name: str, readings: list[Reading], texts: dict[str, str | None], written: dict[str, list[str]] | None
) -> None:
    """One line of figures. `texts` are those that read=all found."""
    seconds = np.array([item.seconds for item in readings])
    empty = np.array([item.seconds for item in readings if texts[item.gif_id] is None] or [0.0])
    all_found = [item for item in readings if texts[item.gif_id] is not None]
    found = [item for item in all_found if item.text is not None]
    same = [item for item in found if item.text == texts[item.gif_id]]
    line = f"{name:<12} {1000 * seconds.mean():6.1f} ms a GIF; where all finds no words {1000 * empty.mean():.1f} ms "
    line += f"(p95 {1000 * np.quantile(empty, 0.95):.1f}); of {len(all_found)} with words {len(found)} found, "
    line += f"{len(same)} with the same text"
    if written is not None:
        true = [item for item in readings if written.get(item.gif_id)]
        false = [item for item in readings if item.text is not None and not written.get(item.gif_id)]
        right = [item for item in true if item.text and letters_of(item.text) in spellings(written[item.gif_id])]
        line += f"; of {len(true)} truly with words {sum(item.text is not None for item in true) / len(true):.1%} "
        line += f"found, {len(right) / len(true):.1%} letter by letter; {len(false)} of the others"
    print(line)


def spellings(tags: list[str]) -> set[str]:
    """What the sample may have written for these tags, letters alone."""
    return {letters_of(words) for tag in tags for words in WORDS[tag]}


if __name__ == "__main__":
    main()
