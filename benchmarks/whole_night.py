"""The whole night against the bare time of its models:
`python -m benchmarks.whole_night [--gifs 1000] [--set KEY=VALUE ...] [--json]`.

The night is `autotag nightly` on drawn GIFs in a local folder, in a process of its own: start-up, votes, documents and
publication are part of its time. The first one also compiles its loops, where that machine has not yet, and trains the
space of tags and the head of `temporal`; the second one finds all that and looks at every GIF anew (`reuse=nothing`).
Against both stands what no job can be faster than with these models: the frames'
networks, OCR and the text encoder, each called in a plain loop over the same inputs, decoded beforehand and not timed,
with the same backends, by one process a core, the models loaded and called once before. The seconds of the processes
are added and divided by the cores. The embeddings of `imagenet`, and the texts, must be the same on both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np

from autotag_core import warehouse
from autotag_core.config import Config
from autotag_core.config.file import load_config
from autotag_core.frames import LoadedGif, Readers, iter_loaded
from autotag_core.frames.stills.pixels import Pixels
from autotag_core.ocr.lines import ReadText
from autotag_core.sample import write_sample

TARGET = 1 / 1.35
GIFS_AT_ONCE, TEXTS_AT_ONCE = 32, 512
_T = TypeVar("_T")
Item = tuple[str, str]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gifs", type=int, default=1000)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the night")
    parser.add_argument("--json", action="store_true", help="print a JSON object for each of the two nights")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for figures in measure(Path(folder), options.gifs, options.set):
            print(json.dumps(figures) if options.json else as_text(figures))


def measure(folder: Path, num_gifs: int, settings: list[str]) -> list[dict[str, object]]:
    """Of each night its seconds by stage and those of the models by part; `ratio` is the models' over the night's."""
    write_sample(str(folder / "sample"), num_gifs, seed=7)
    catalog = folder / "sample" / "catalog.jsonl"
    settings = [f"semantic.sessions={folder / 'sample' / 'sessions.jsonl'}", *settings]
    place = folder / "warehouse"
    nights = {"first night": night(catalog, place, settings)}
    nights["later night"] = night(catalog, place, [*settings, "reuse=nothing"])
    found = bare(catalog, settings)
    cores = len(os.sched_getaffinity(0))
    models = {part: round(total / cores, 1) for part, total in found.seconds.items()}
    alike = is_alike(place, found)
    return [
        {
            "name": f"models alone / whole {name} ({num_gifs} GIFs)",
            "ratio": round(sum(models.values()) / seconds["in all"], 3),
            "target": round(TARGET, 3),
            "alike": alike,
            "cores": cores,
            "models": models,
            "night": {stage: round(value, 1) for stage, value in seconds.items()},
        }
        for name, seconds in nights.items()
    ]


def night(catalog: Path, place: Path, settings: list[str]) -> dict[str, float]:
    """Run it; seconds by stage and in all."""
    command = [
        sys.executable,
        "-m",
        "jobs.commands.app",
        "nightly",
        "--catalog",
        str(catalog),
        "--warehouse",
        str(place),
    ]
    command += [word for setting in settings for word in ("--set", setting)]
    start = time.monotonic()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    seconds = time.monotonic() - start
    if done.returncode:
        raise SystemExit(f"the night ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return warehouse.list_runs(str(place))[-1].seconds | {"in all": seconds}


@dataclass
class Found:
    """What the bare models gave: seconds by part, over all processes; vector and text by gif_id."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(("frames", "OCR", "text encoder"), 0.0))
    vectors: dict[str, np.ndarray] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Add the block's seconds to the part's."""
        start = time.perf_counter()
        yield
        self.seconds[part] += time.perf_counter() - start


def bare(catalog: Path, settings: list[str]) -> Found:
    """The models over all GIFs, one process a core, each with its share."""
    rows = [json.loads(line) for line in catalog.read_text(encoding="utf-8").splitlines()]
    items = [(row["gif_id"], str(catalog.parent / row["uri"])) for row in rows]
    cores = len(os.sched_getaffinity(0))
    all_found = Found()
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
        for found in pool.map(call_models, [items[core::cores] for core in range(cores)], [settings] * cores):
            for part, value in found.seconds.items():
                all_found.seconds[part] += value
            all_found.vectors |= found.vectors
            all_found.texts |= found.texts
    return all_found


class _KeepsCanvases:
    """A reader that reads nothing: the canvases that OCR would be given, for later."""

    def __init__(self, max_frames: int, keep: Callable[[Pixels], Pixels]) -> None:
        self.max_frames, self.keep = max_frames, keep
        self.kept: dict[int, list[Pixels]] = {}

    def read(self, kept: Sequence[Pixels]) -> ReadText:
        """Nothing; the canvases go to `kept`, one of them by its number as text."""
        number = len(self.kept)
        self.kept[number] = list(kept)
        return ReadText()


def call_models(items: list[Item], settings: list[str]) -> Found:
    """The frames' networks, OCR and the text encoder over these GIFs, one after the other."""
    import torch

    from autotag_core.experts import embed_gifs, load_frame_models, load_language_model, settled
    from autotag_core.ocr import load_reader

    config: Config = settled(load_config(None, settings))
    models, reader = load_frame_models(config, torch.device("cpu")), load_reader(config.text)
    language = load_language_model(config.text, torch.device("cpu"))
    list(embed_gifs(iter_loaded(items[:1], config.frames, Readers(reader)), models))
    language.embed(["a word"])
    found = Found()
    for some in in_parts(items, GIFS_AT_ONCE):
        canvases = _KeepsCanvases(reader.max_frames, reader.keep)
        frames = config.frames.model_copy(update={"fetch_threads": 1})  # so that canvases come in the GIFs' order
        pairs = iter_loaded(some, frames, Readers(canvases))
        loaded = [(gif_id, gif) for gif_id, gif in pairs if isinstance(gif, LoadedGif)]
        with found.timed("frames"):
            outcomes = list(embed_gifs(loaded, models))
        with found.timed("OCR"):
            read = [reader.read(canvases.kept[number]) for number in range(len(loaded))]
        found.vectors |= {each.gif_id: item.vector for each in outcomes for item in each.embeddings}
        found.texts |= {gif_id: text.text for (gif_id, _), text in zip(loaded, read, strict=True) if text.text}
    for some in in_parts(sorted(set(found.texts.values())), TEXTS_AT_ONCE):
        with found.timed("text encoder"):
            language.embed(some)
    return found


def in_parts(items: Sequence[_T], size: int) -> Iterable[list[_T]]:
    """The items in order, at most so many at once."""
    return (list(items[start : start + size]) for start in range(0, len(items), size))


def is_alike(place: Path, found: Found) -> bool:
    """Whether the night's tables hold the same bits of `imagenet`, and the same texts."""
    release = warehouse.current_release(str(place))
    media = warehouse.read_table(str(place), "media", release, ["gif_id", "text"]).to_pylist()
    rows = warehouse.read_table(str(place), "embeddings", release, ["gif_id", "expert", "embedding"]).to_pylist()
    vectors = {row["gif_id"]: row["embedding"] for row in rows if row["expert"] == "imagenet"}
    texts = {row["gif_id"]: row["text"] for row in media if row["text"]}
    return (
        texts == found.texts
        and vectors.keys() == found.vectors.keys()
        and all(np.array_equal(np.asarray(vectors[gif_id], np.float32), found.vectors[gif_id]) for gif_id in vectors)
    )


def as_text(figures: dict[str, object]) -> str:
    """Seconds by part and stage, then the ratio."""
    lines = []
    for side in ("models", "night"):
        seconds = figures[side]
        assert isinstance(seconds, dict)
        lines += [f"{side:<8}{part:<24}{value:>10.1f} s" for part, value in seconds.items()]
    alike = "the same embeddings and texts" if figures["alike"] else "OTHER embeddings or texts"
    ratio = figures["ratio"]
    assert isinstance(ratio, float)
    return "\n".join(
        [*lines, f"{figures['name']}: {ratio:.3f} (target {figures['target']}), 1 / {1 / ratio:.2f}; {alike}"]
    )


if __name__ == "__main__":
    main()
