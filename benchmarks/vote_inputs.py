"""Drawn neighbors and tags of many GIFs, for benchmarks of the vote: frequent and rare tags as tags are (Zipf)."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WEIGHTS = {"imagenet": 0.5, "semantic": 0.4, "temporal": 0.3, "text": 0.2}
NUM_TAGS, GROUP, CHUNK = 50_000, 50, 100_000
WIDTH = 1280


def write_inputs(folder: Path, num_gifs: int, seed: int = 7) -> None:
    """catalog and neighbors as Parquet files, each under its name when it is whole."""
    shutil.rmtree(folder, ignore_errors=True)
    rng = np.random.default_rng(seed)
    ids = pa.array([f"gif-{number:08}" for number in range(num_gifs)])
    for expert in WEIGHTS:
        path = folder / "neighbors" / f"expert={expert}"
        path.mkdir(parents=True)
        for start in range(0, num_gifs, CHUNK):
            pq.write_table(_neighbors(rng, ids, start), path / f"{start:09}.parquet")
    partial = folder / "partial"
    partial.mkdir()
    tags = pa.array([f"tag {number}" for number in range(NUM_TAGS)])
    for start in range(0, num_gifs, CHUNK):
        pq.write_table(_catalog(rng, ids, tags, start), partial / f"{start:09}.parquet")
    partial.rename(folder / "catalog")


def write_embeddings(folder: Path, num_gifs: int, seed: int = 8) -> Path:
    """Drawn vectors of one expert, as wide as those of `imagenet`, as Parquet files; GIFs of a group are alike."""
    rng, found = np.random.default_rng(seed), folder / "embeddings"
    if found.exists():
        return found
    partial = folder / "partial"
    partial.mkdir()
    for start in range(0, num_gifs, CHUNK // 10):
        gifs = np.arange(start, min(start + CHUNK // 10, num_gifs))
        middles = rng.random((gifs[-1] // GROUP - gifs[0] // GROUP + 1, WIDTH), np.float32)
        vectors = middles[gifs // GROUP - gifs[0] // GROUP] + rng.random((len(gifs), WIDTH), np.float32)
        lists = pa.ListArray.from_arrays(
            pa.array(np.arange(len(gifs) + 1) * WIDTH, pa.int32()), pa.array(vectors.ravel())
        )
        ids = [f"gif-{number:08}" for number in gifs]
        rows = pa.table({"gif_id": ids, "expert": pa.array(["imagenet"] * len(ids)), "embedding": lists})
        pq.write_table(rows, partial / f"{start:09}.parquet")
    return partial.rename(found)


def _is_train(gifs: Any) -> Any:
    return gifs % 10 != 3


def _neighbors(rng: np.random.Generator, ids: pa.Array, start: int) -> pa.Table:
    """Of each GIF 7 of 10 neighbors from its own group of GIFs, the others from anywhere; train GIFs all."""
    gifs = np.arange(start, min(start + CHUNK, len(ids)))
    near = gifs[:, None] // GROUP * GROUP + rng.integers(0, GROUP, (len(gifs), 10))
    found = np.where(rng.random(near.shape) < 0.7, near, rng.integers(0, len(ids), near.shape)) % len(ids)
    found = np.where(_is_train(found), found, found - 1)
    starts = pa.array(np.arange(len(gifs) + 1) * 10, pa.int32())
    distances = np.sort(rng.random(found.shape, np.float32), axis=1)
    return pa.table(
        {
            "gif_id": ids[start : start + len(gifs)],
            "neighbor_ids": pa.ListArray.from_arrays(starts, ids.take(pa.array(found.ravel()))),
            "distances": pa.ListArray.from_arrays(starts, pa.array(distances.ravel())),
        }
    )


def _catalog(rng: np.random.Generator, ids: pa.Array, tags: pa.Array, start: int) -> pa.Table:
    """Half of a GIF's tags are of 8 that its group likes; one GIF in ten has editorial tags, for validation."""
    gifs = np.arange(start, min(start + CHUNK, len(ids)))
    chances = 1 / (np.arange(NUM_TAGS) + 10)
    drawn = rng.choice(NUM_TAGS, (len(gifs), 10), p=chances / chances.sum())
    liked = rng.choice(NUM_TAGS, (len(ids) // GROUP + 1, 8), p=chances / chances.sum())
    shared = liked[gifs[:, None] // GROUP, rng.integers(0, 8, drawn.shape)]
    drawn = np.where(rng.random(drawn.shape) < 0.5, shared, drawn)
    nums = rng.integers(1, 11, len(gifs))
    lists = [list(dict.fromkeys(row[:num])) for row, num in zip(drawn.tolist(), nums.tolist(), strict=True)]
    train = _is_train(gifs)
    return pa.table(
        {
            "gif_id": ids[start : start + len(gifs)],
            "split": np.where(train, "train", "validation"),
            "tags": _named(lists, tags),
            "editorial_tags": _named([[] if one else row[:3] for row, one in zip(lists, train, strict=True)], tags),
        }
    )


def _named(lists: list[list[int]], tags: pa.Array) -> pa.ListArray:
    numbers = pa.array(lists, pa.list_(pa.int32()))
    return pa.ListArray.from_arrays(numbers.offsets, tags.take(numbers.flatten()))
