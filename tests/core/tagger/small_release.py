"""A release of small drawn GIFs without Spark: a square of one of three colours that goes left, right or stays."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw

from autotag_core.config import Config
from autotag_core.experts import embed_gifs, mean_of_frames
from autotag_core.frames import read_frames
from autotag_core.tables import (
    CATALOG,
    EMBEDDINGS,
    MEDIA,
    TRAINING_EXAMPLES,
    TRAINING_LABELS,
    VOTED_TAGS,
)
from autotag_core.tagger.frame_store import frame_source, load_backbone_alone
from autotag_core.warehouse import RunRecord, append_run
from autotag_core.warehouse.own_tables import append_rows

COLOURS = {"red": (220, 30, 30), "green": (20, 160, 40), "blue": (30, 60, 220)}
MOTIONS = ("left", "right", "still")
SPLITS = ("train", "train", "train", "validation", "test")
NUM_FRAMES = 6


@dataclass(frozen=True)
class DrawnGif:
    gif_id: str
    split: str
    colour: str
    motion: str
    data: bytes
    says: bool
    """Whether its uploader gave it tags."""


@cache
def drawn_gifs(num: int) -> tuple[DrawnGif, ...]:
    """GIF i: its colour, motion and split go round; each ninth train GIF has no tags."""
    found = []
    for i in range(num):
        colour, motion, split = list(COLOURS)[i % 3], MOTIONS[(i // 3) % 3], SPLITS[i % 5]
        data = _gif(COLOURS[colour], motion, np.random.default_rng(i))
        found.append(DrawnGif(f"g{i:03d}", split, colour, motion, data, split != "train" or i % 9 != 0))
    return tuple(found)


def _gif(colour: tuple[int, int, int], motion: str, rng: np.random.Generator) -> bytes:
    top, size, grey = int(rng.integers(10, 60)), int(rng.integers(24, 36)), int(rng.integers(170, 255))
    frames = []
    for at in range(NUM_FRAMES):
        step = {"left": NUM_FRAMES - 1 - at, "right": at, "still": 3}[motion]
        picture = Image.new("RGB", (112, 112), (grey,) * 3)
        ImageDraw.Draw(picture).rectangle([14 * step, top, 14 * step + size, top + size], fill=colour)
        frames.append(picture)
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100, loop=0)
    return file.getvalue()


@cache
def _embedded(num: int) -> tuple[dict[str, np.ndarray], dict[str, str], str]:
    """(mean embedding by gif_id, version by gif_id, model version): by the real backbone."""
    config = Config()
    source = frame_source(config, 2)
    loaded = ((gif.gif_id, read_frames(gif.data, config.frames)) for gif in drawn_gifs(num))
    vectors, versions = {}, {}
    for outcome in embed_gifs(loaded, load_backbone_alone(source)):
        vectors[outcome.gif_id] = mean_of_frames(None, outcome.frame_features)  # type: ignore[arg-type]
        versions[outcome.gif_id] = outcome.media.version
    return vectors, versions, source.model_version  # type: ignore[return-value]


def write_small_release(folder: Path, num: int = 60) -> str:
    """Write GIFs and the tables of run r1; gives the warehouse. A vote has found what uploaders left out."""
    gifs = drawn_gifs(num)
    uris = {gif.gif_id: str(folder / "gifs" / f"{gif.gif_id}.gif") for gif in gifs}
    (folder / "gifs").mkdir(parents=True)
    for gif in gifs:
        Path(uris[gif.gif_id]).write_bytes(gif.data)
    warehouse = str(folder / "warehouse")
    labels = sorted([*COLOURS, *MOTIONS])
    tables = _rows(gifs, uris, labels)
    versions = {}
    for table in (CATALOG, MEDIA, EMBEDDINGS, VOTED_TAGS, TRAINING_EXAMPLES, TRAINING_LABELS):
        rows = pa.Table.from_pylist(tables[table.name], schema=table.plain_schema)
        versions[table.name] = append_rows(warehouse, table, rows)
    config = Config().model_dump(mode="json")
    config["frames"]["allowed_places"] = [str(folder)]
    now = datetime(2026, 11, 25, tzinfo=UTC)
    append_run(warehouse, RunRecord("r1", now, now, "published", None, "r1", versions, config=json.dumps(config)))
    return warehouse


def _rows(gifs: Sequence[DrawnGif], uris: dict[str, str], labels: Sequence[str]) -> dict[str, list[dict[str, object]]]:
    vectors, versions, model_version = _embedded(len(gifs))
    examples = [gif for gif in gifs if gif.says]
    train = [gif for gif in examples if gif.split == "train"]
    return {
        "catalog": [
            {
                "gif_id": gif.gif_id,
                "uri": uris[gif.gif_id],
                "split": gif.split,
                "tags": [gif.colour] if gif.says else [],
                "editorial_tags": [gif.colour, gif.motion] if gif.split == "validation" else [],
                "popularity": 0,
            }
            for gif in gifs
        ],
        "media": [{"gif_id": gif.gif_id, "version": versions[gif.gif_id]} for gif in gifs],
        "embeddings": [
            {
                "gif_id": gif.gif_id,
                "expert": "imagenet",
                "embedding": vectors[gif.gif_id].tolist(),
                "model_version": model_version,
                "version": versions[gif.gif_id],
            }
            for gif in gifs
        ],
        "voted_tags": [
            {"gif_id": gif.gif_id, "tag": tag, "confidence": 0.7, "source": "voted", "probability": chance}
            for gif in examples
            for tag, chance in ((gif.colour, 0.9), (gif.motion, 0.8))
        ],
        "training_examples": [
            {
                "gif_id": gif.gif_id,
                "split": gif.split,
                "uri": uris[gif.gif_id],
                "version": versions[gif.gif_id],
                "label_ids": sorted([labels.index(gif.colour), labels.index(gif.motion)]),
                "confidences": [0.7, 0.7],
            }
            for gif in examples
        ],
        "training_labels": [
            {
                "label_id": at,
                "label": label,
                "num_examples": sum(label in (gif.colour, gif.motion) for gif in train),
                "num_held_out": 1,
            }
            for at, label in enumerate(labels)
        ],
    }
