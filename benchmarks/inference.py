"""Frames to features, by backend: `python -m benchmarks.inference CATALOG.jsonl [--gifs N] [--rounds N] [--json]`.

The baseline is the plain efficientnet_lite_pytorch model in eager torch, in chunks of 4: larger ones are slower there
(each large activation is mapped and unmapped). All sides compute the same frames, one thread, in turns; outputs are
compared before times are. Speed is by CPU time of this process, so other processes on the machine count less.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

from autotag_core.config import Config, ImagenetConfig
from autotag_core.experts import l2_normalised, load_backbone
from autotag_core.experts.backbones.networks import load_state_dict
from autotag_core.frames import LoadedGif, iter_loaded

CHUNK, TOP = 4, 10
FRAMES_A_ROUND = 64
SIDES = {
    "torch, folded": ImagenetConfig(backend="torch"),
    "onnxruntime fp32": ImagenetConfig(backend="onnxruntime"),
    "onnxruntime int8": ImagenetConfig(backend="onnxruntime", precision="int8"),
}
PLAIN = "torch, plain"
TARGETS = {"onnxruntime fp32": (2.0, "cosine", 0.9999), "onnxruntime int8": (3.5, "overlap", 0.95)}
"""Times as fast as PLAIN, and what else must be at least how much."""

Features = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Result:
    """One side: frames a second (CPU and wall-clock, medians), and how its output compares with PLAIN's."""

    name: str
    cpu_rate: float
    wall_rate: float
    ratio: float
    """Median over rounds of the CPU time of PLAIN over this side's in the same round."""
    cosine: float
    """Of a frame's features with PLAIN's, the smallest."""
    overlap: float
    """Of the TOP nearest GIFs with PLAIN's, the mean over GIFs."""
    target: float | None
    holds: bool | None


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog", type=Path)
    parser.add_argument("--gifs", type=int, default=300, help="how many, spread evenly over the catalog")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object a side")
    options = parser.parse_args()
    torch.set_num_threads(1)
    gifs = read_frames(options.catalog, options.gifs)
    sides = {PLAIN: plain()}
    sides |= {name: load_backbone(config, torch.device("cpu")).features for name, config in SIDES.items()}
    results = measure(sides, gifs, options.rounds)
    if options.json:
        for result in results:
            print(json.dumps(result.__dict__))
        return
    print(
        f"{len(gifs)} GIFs, {sum(map(len, gifs))} frames compared; "
        f"{options.rounds} rounds of {FRAMES_A_ROUND} frames timed, one thread"
    )
    print(
        "| backend | frames/s of CPU time | by the clock | x torch, plain | least cosine | overlap of top 10 | target |"
    )
    print("|---|---|---|---|---|---|---|")
    for result in results:
        target = "" if result.target is None else f"{result.target} x: {'holds' if result.holds else 'MISSED'}"
        print(
            f"| {result.name} | {result.cpu_rate:.0f} | {result.wall_rate:.0f} | {result.ratio:.2f} "
            f"| {result.cosine:.5f} | {result.overlap:.3f} | {target} |"
        )


def read_frames(catalog: Path, num_gifs: int) -> list[torch.Tensor]:
    """The sampled frames (n, 3, 224, 224) of each GIF that can be read, as the job sees them."""
    rows = [json.loads(line) for line in catalog.read_text(encoding="utf-8").splitlines()]
    rows = rows[:: max(1, len(rows) // num_gifs)][:num_gifs]
    items = [(row["gif_id"], str(catalog.parent / row["uri"])) for row in rows if row.get("uri")]
    return [item.frames for _, item in iter_loaded(items, Config().frames) if isinstance(item, LoadedGif)]


def plain() -> Features:
    """The network as its package builds it."""
    model = EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(load_state_dict(ImagenetConfig()))
    model.eval().requires_grad_(False)

    def features(frames: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return model._avg_pooling(model.extract_features((frames.float() - 127) / 128)).flatten(1)

    return features


def measure(sides: dict[str, Features], gifs: list[torch.Tensor], num_rounds: int) -> list[Result]:
    """Every side over all frames once, which is compared, then over the first ones in turns, which is timed."""
    outputs = {name: [in_chunks(features, gif) for gif in gifs] for name, features in sides.items()}
    frames = torch.cat(gifs[:FRAMES_A_ROUND])[:FRAMES_A_ROUND]
    clocks = {"cpu": time.process_time, "wall": time.perf_counter}
    seconds: dict[str, dict[str, list[float]]] = {name: {clock: [] for clock in clocks} for name in sides}
    for _ in range(num_rounds):
        for name, features in sides.items():
            in_chunks(features, frames[:CHUNK])
            started = {clock: now() for clock, now in clocks.items()}
            in_chunks(features, frames)
            for clock, now in clocks.items():
                seconds[name][clock].append(now() - started[clock])
    return [result(name, seconds, outputs, len(frames)) for name in sides]


def in_chunks(features: Features, frames: torch.Tensor) -> np.ndarray:
    """Features (n, d) in float64; the last chunk is filled up, as the job does."""
    filled = torch.cat([frames, frames.new_zeros((-len(frames) % CHUNK, *frames.shape[1:]))])
    return np.concatenate([features(chunk).double().numpy() for chunk in filled.split(CHUNK)])[: len(frames)]


def result(
    name: str, seconds: dict[str, dict[str, list[float]]], outputs: dict[str, list[np.ndarray]], num_frames: int
) -> Result:
    """One side beside PLAIN."""
    found, wanted = np.concatenate(outputs[name]), np.concatenate(outputs[PLAIN])
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(wanted, axis=1)
    cosine = float(((found * wanted).sum(axis=1) / lengths).min())
    shared = [
        len(set(a) & set(b)) / len(b) for a, b in zip(nearest(outputs[name]), nearest(outputs[PLAIN]), strict=True)
    ]
    overlap = float(np.mean(shared))
    ratio = float(np.median(np.array(seconds[PLAIN]["cpu"]) / np.array(seconds[name]["cpu"])))
    rates = {clock: num_frames / float(np.median(taken)) for clock, taken in seconds[name].items()}
    target, what, least = TARGETS.get(name, (None, "cosine", 0.0))
    holds = None if target is None else ratio >= target and {"cosine": cosine, "overlap": overlap}[what] >= least
    return Result(name, rates["cpu"], rates["wall"], ratio, cosine, overlap, target, holds)


def nearest(features: list[np.ndarray]) -> np.ndarray:
    """Numbers of the TOP nearest other GIFs (n, TOP) of each, by the cosine of their mean frames."""
    embeddings = np.stack([l2_normalised(of_gif.mean(axis=0)) for of_gif in features])
    similarities = embeddings @ embeddings.T
    np.fill_diagonal(similarities, -np.inf)
    return np.argsort(-similarities, axis=1, kind="stable")[:, :TOP]


if __name__ == "__main__":
    main()
