"""How well copies are told from other GIFs: precision and, for each kind of copy, recall, over the decision's limits.

    python -m benchmarks.duplicates --catalog CATALOG.jsonl --gifs 80 --others 500 --seed 7

Some GIFs of a catalog are copied in every way of autotag_core.sample.copies; originals, copies and as many other GIFs
pass the frames, the hashes and the `imagenet` expert as in the job. Candidates are the 10 nearest neighbors.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from autotag_core.config import Config, DuplicatesConfig
from autotag_core.duplicates import is_duplicate, picture_distances
from autotag_core.experts import embed_gifs, load_frame_models
from autotag_core.frames import read_frames
from autotag_core.neighbors import exact_neighbors
from autotag_core.sample import COPY_KINDS, copy_gif

ORIGINAL = "original"


@dataclass(frozen=True)
class Item:
    """A GIF file: `truth` names the GIF that it is, `kind` how it was copied, or ORIGINAL."""

    truth: str
    kind: str
    data: bytes

    @property
    def gif_id(self) -> str:
        """Of the file."""
        return f"{self.truth}/{self.kind}"


@dataclass(frozen=True)
class Pairs:
    """Candidate pairs: items, positions in them (n,), and the three measures (n,)."""

    items: list[Item]
    left: np.ndarray
    right: np.ndarray
    distances: np.ndarray
    hash_bits: np.ndarray
    color_differences: np.ndarray


@dataclass(frozen=True)
class Result:
    """Pairs taken for copies, how many of them are not, and by kind the share of copies found beside their original."""

    num_found: int
    num_wrong: int
    recall: dict[str, float]

    @property
    def precision(self) -> float:
        """Of the pairs taken for copies; 1 where there are none."""
        return 1 - self.num_wrong / max(1, self.num_found)


def with_copies(originals: Iterable[tuple[str, bytes]]) -> Iterator[Item]:
    """Each (gif_id, bytes) and a copy of every kind; the same ids give the same copies."""
    for gif_id, data in originals:
        yield Item(gif_id, ORIGINAL, data)
        for kind in COPY_KINDS:
            yield Item(gif_id, kind, copy_gif(data, [kind], random.Random(f"{gif_id}/{kind}")))


def candidate_pairs(items: Iterable[Item], config: Config) -> Pairs:
    """Every pair of which one is among the other's neighbors.k nearest for `imagenet`, once, with its measures."""
    import torch

    kept: list[Item] = []
    media = []

    def loaded() -> Iterator[tuple[str, object]]:
        for item in items:
            gif = read_frames(item.data, config.frames)
            kept.append(item)
            media.append(gif.media)
            yield item.gif_id, gif

    models = load_frame_models(config, torch.device("cpu"))
    vectors = np.stack([outcome.embeddings[0].vector for outcome in embed_gifs(loaded(), models)])  # type: ignore[arg-type]
    ids = [item.gif_id for item in kept]
    places = {gif_id: place for place, gif_id in enumerate(ids)}
    found = exact_neighbors(ids, vectors, ids, vectors, config.neighbors.k)
    pairs = {}
    for place in range(len(ids)):
        for neighbor_id, distance in zip(*found.of(place), strict=True):
            pairs[tuple(sorted((place, places[neighbor_id])))] = distance
    left, right = np.array(sorted(pairs)).T
    hashes, colors = [row.frame_hashes for row in media], [row.frame_colors for row in media]
    return Pairs(
        kept,
        left,
        right,
        np.array([pairs[pair] for pair in sorted(pairs)]),
        *picture_distances(*(([hashes[i] for i in side], [colors[i] for i in side]) for side in (left, right))),
    )


def measure(pairs: Pairs, config: DuplicatesConfig) -> Result:
    """What the decision makes of the candidates; a copy that is no candidate of its original counts as missed."""
    taken = is_duplicate(pairs.distances, pairs.hash_bits, pairs.color_differences, config)
    truths = np.array([item.truth for item in pairs.items])
    kinds = np.array([item.kind for item in pairs.items])
    right = truths[pairs.left] == truths[pairs.right]
    recall = {}
    for kind in COPY_KINDS:
        beside = {*zip(kinds[pairs.left], kinds[pairs.right], strict=True)} & {(ORIGINAL, kind), (kind, ORIGINAL)}
        of_kind = [(a, b) in beside for a, b in zip(kinds[pairs.left], kinds[pairs.right], strict=True)]
        recall[kind] = float((taken & right & of_kind).sum() / max(1, (kinds == kind).sum()))
    return Result(int(taken.sum()), int((taken & ~right).sum()), recall)


def benchmark(
    catalog: Annotated[Path, typer.Option(help="catalog.jsonl beside its GIFs.")],
    gifs: Annotated[int, typer.Option(help="GIFs to copy.")] = 80,
    others: Annotated[int, typer.Option(help="Further GIFs of the catalog, not copied.")] = 500,
    seed: Annotated[int, typer.Option(help="Which GIFs.")] = 7,
) -> None:
    """Print a table of limits."""
    rows = [json.loads(line) for line in catalog.read_text(encoding="utf-8").splitlines()]
    random.Random(seed).shuffle(rows)
    files = [(row["gif_id"], (catalog.parent / row["uri"]).read_bytes()) for row in rows[: gifs + others]]
    other_items = [Item(gif_id, ORIGINAL, data) for gif_id, data in files[gifs:]]
    pairs = candidate_pairs(itertools.chain(with_copies(files[:gifs]), other_items), Config(experts=("imagenet",)))
    typer.echo(f"{catalog}: {gifs} GIFs copied, {len(other_items)} others, {len(pairs.left)} candidate pairs")
    typer.echo("distance  bits  colour | found wrong precision | " + " ".join(f"{kind:>9}" for kind in COPY_KINDS))
    default = DuplicatesConfig()
    limits = itertools.product(
        (0.08, default.max_distance, 0.2),
        (3, default.max_hash_bits, 8, 16),
        (1, default.max_color_difference, 2, 8, 255),
    )
    for distance, bits, colour in [(2, 64, 255), *limits]:
        config = DuplicatesConfig(max_distance=distance, max_hash_bits=bits, max_color_difference=colour)
        result = measure(pairs, config)
        recall = " ".join(f"{result.recall[kind]:9.3f}" for kind in COPY_KINDS)
        counts = f"{result.num_found:5} {result.num_wrong:5} {result.precision:9.4f}"
        typer.echo(f"{distance:8} {bits:5} {colour:7} | {counts} | {recall}" + " default" * (config == default))


if __name__ == "__main__":
    typer.run(benchmark)
