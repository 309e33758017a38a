"""What each expert costs per GIF: `python -m benchmarks.experts CATALOG.jsonl [--gifs N] [--head HEAD.safetensors]`.

CPU milliseconds of this process, so other processes on the machine do not count. `semantic` has no line: its vectors
are fitted and averaged inside Spark, and `autotag nightly` says how long that stage took.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from autotag_core.config import Config
from autotag_core.experts import (
    HeadRecord,
    RelationHead,
    embed_gifs,
    load_frame_models,
    load_head,
    load_language_model,
)
from autotag_core.experts.temporal.relations import MultiScaleRelations
from autotag_core.frames import LoadedGif, iter_loaded
from autotag_core.frames.readers import load_readers

_T = TypeVar("_T")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--gifs", type=int, default=100, help="how many, spread evenly over the catalog")
    parser.add_argument("--head", help="a trained head of the temporal expert; without it one that was never trained")
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.catalog.read_text(encoding="utf-8").splitlines()]
    rows = rows[:: max(1, len(rows) // options.gifs)][: options.gifs]
    items = [(row["gif_id"], str(options.catalog.parent / row["uri"])) for row in rows if row.get("uri")]
    torch.set_num_threads(1)
    config = Config()
    models, readers = load_frame_models(config, torch.device("cpu")), load_readers(config.text, None)
    language = load_language_model(config.text, torch.device("cpu"))
    for run in (lambda: list(iter_loaded(items[:3], config.frames, readers)), lambda: language.embed(["a word"])):
        run()  # the first calls also allocate

    decoding, loaded = timed(lambda: list(iter_loaded(items, config.frames)))
    reading, read = timed(lambda: list(iter_loaded(items, config.frames, readers)))
    gifs = [(gif_id, item) for gif_id, item in read if isinstance(item, LoadedGif)]
    seeing, outcomes = timed(lambda: list(embed_gifs(gifs, models)))
    features = [outcome.frame_features for outcome in outcomes if outcome.frame_features is not None]
    head = load_head(options.head) if options.head else untrained(config, features[0].shape[1])
    relating, _ = timed(lambda: [head.embed(some) for some in features])
    texts = [item.media.text for _, item in gifs if item.media.text]
    wording, _ = timed(lambda: language.embed(texts) if texts else None)

    num_frames = sum(len(item.frames) for _, item in gifs)
    print(f"{len(gifs)} of {len(loaded)} GIFs read, {num_frames / len(gifs):.1f} frames each, {len(texts)} with text")
    for name, seconds in (
        ("fetch, decode, resize, hash", decoding),
        ("imagenet: frame features", seeing),
        ("temporal: relations of these", relating),
        ("text: OCR", reading - decoding),
        ("text: language model", wording),
    ):
        print(f"{name:<28} {1000 * seconds / len(gifs):7.1f} ms a GIF")


def timed(run: Callable[[], _T]) -> tuple[float, _T]:
    """CPU seconds of this process, all threads together, and the result."""
    start = time.process_time()
    result = run()
    return time.process_time() - start, result


def untrained(config: Config, dimension: int) -> RelationHead:
    """A head of the configured size with random weights: it costs what a trained one does."""
    temporal = config.temporal
    record = HeadRecord(
        feature_dim=temporal.projection,
        num_segments=temporal.num_segments,
        bottleneck=temporal.bottleneck,
        num_classes=1,
        max_relations=temporal.max_relations,
        backbone=temporal.backbone,
        backbone_version="",
        centered=True,
        projected_from=dimension,
    )
    network = MultiScaleRelations(
        record.feature_dim, record.num_segments, record.bottleneck, record.num_classes, record.max_relations
    )
    projection = np.random.default_rng(7).standard_normal((dimension, record.feature_dim)).astype(np.float32)
    return RelationHead(record, network.eval(), projection)


if __name__ == "__main__":
    main()
