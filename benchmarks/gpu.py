"""Frames to features on a GPU, and how many cores of decoding it takes to keep it busy:
`python -m benchmarks.gpu [--frames 4096] [--rounds 5] [--gifs 200] [--device cpu] [--json]`.

The baseline is what a notebook does: float32 made and normalised on the host, copied from pageable memory, the plain
network in eager torch, here without TF32. The other sides are this project's settings: bytes to the device from pinned
memory beside what is computed, normalised there, channels last, batch norm folded. All get the same frames in batches
of imagenet.gpu_batch, in turns; outputs are compared before times are. Then drawn GIFs go the whole way, decoded by
threads while the device computes. Without a GPU it says so and ends;
`--device cpu` goes through all of it on the CPU, to see that it runs: those figures say nothing of a GPU.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

from autotag_core.config import Config, ImagenetConfig
from autotag_core.experts import FrameModels, Outcome, embed_gifs, load_backbone, load_frame_models
from autotag_core.experts.backbones.networks import load_state_dict
from autotag_core.experts.frames.in_flight import InFlight
from autotag_core.frames import LoadedGif, iter_loaded
from autotag_core.sample import write_sample

PLAIN = "plain, float32 from the host"
LEAST_COSINE = {"fp32": 0.9999, "bf16": 0.99, "fp16": 0.999}
TARGET = 1.0
Precision = Literal["fp32", "bf16", "fp16"]
Features = Callable[[torch.Tensor], torch.Tensor]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=4096)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--gifs", type=int, default=200, help="drawn for the whole way")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        line = "benchmarks.gpu: skipped, CUDA sees no device on this machine"
        print(json.dumps({"skipped": line}) if options.json else line)
        return
    device = torch.device("cuda", 0) if options.device == "cuda" else torch.device("cpu")
    names: tuple[Precision, ...] = ("fp32", "bf16", "fp16") if options.device == "cuda" else ("fp32", "bf16")
    settings: dict[str, ImagenetConfig] = {name: ImagenetConfig(backend="torch", precision=name) for name in names}
    with tempfile.TemporaryDirectory() as folder:
        write_sample(folder, options.gifs, seed=7)
        items = [(path.stem, str(path)) for path in sorted(Path(folder).rglob("*.gif"))]
        rows = [*measure(settings, items, options, device), whole_way(items, options.rounds, device)]
    for row in rows:
        print(json.dumps(row) if options.json else "  ".join(f"{key}: {value}" for key, value in row.items()))


def measure(
    settings: dict[str, ImagenetConfig], items: list[tuple[str, str]], options: argparse.Namespace, device: torch.device
) -> list[dict[str, object]]:
    """Each side's frames per second, and how it compares with PLAIN."""
    read = [item.frames for _, item in iter_loaded(items, Config().frames) if isinstance(item, LoadedGif)]
    frames = torch.cat(read)
    frames = frames.repeat(-(-options.frames // len(frames)), 1, 1, 1)[: options.frames]
    size = ImagenetConfig().gpu_batch if device.type == "cuda" else ImagenetConfig().cpu_batch
    sides: dict[str, Features] = {PLAIN: in_batches(plain(device), size)}
    sides |= {name: in_flight(config, size, device) for name, config in settings.items()}
    outputs = {name: features(frames[: 4 * size]) for name, features in sides.items()}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, features in sides.items():
            start = time.perf_counter()
            features(frames)
            seconds[name].append(time.perf_counter() - start)
    rows: list[dict[str, object]] = []
    for name in settings:
        cosine = float(torch.nn.functional.cosine_similarity(outputs[name], outputs[PLAIN]).min())
        ratios = [theirs / own for theirs, own in zip(seconds[PLAIN], seconds[name], strict=True)]
        rows.append(
            {
                "name": f"GPU {name} / {PLAIN}",
                "ratio": round(statistics.median(ratios), 2),
                "target": TARGET,
                "alike": cosine >= LEAST_COSINE[name.split()[0]],
                "frames_per_s": round(len(frames) / statistics.median(seconds[name])),
                "plain_frames_per_s": round(len(frames) / statistics.median(seconds[PLAIN])),
                "least_cosine": round(cosine, 5),
                "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            }
        )
    return rows


def in_batches(features: Features, size: int) -> Features:
    """The same for any number of frames, features (n, d) on the host, which waits for each batch."""
    return lambda frames: torch.cat([features(batch) for batch in frames.split(size)])


def in_flight(config: ImagenetConfig, size: int, device: torch.device) -> Features:
    """The network of these settings for any number of frames, in batches as the job sends them."""
    models = FrameModels({"imagenet": load_backbone(config, device)}, (), size, Config().frames.size, device)

    def features(frames: torch.Tensor) -> torch.Tensor:
        found: list[np.ndarray] = []
        batches = InFlight(models)
        for batch in frames.split(size):
            batches.send([batch], lambda computed: found.append(computed.features["imagenet"]))
        batches.finish()
        return torch.from_numpy(np.concatenate(found))

    return features


def plain(device: torch.device) -> Features:
    """The network as its package builds it."""
    model = EfficientNet.from_name("efficientnet-lite0")
    model.load_state_dict(load_state_dict(ImagenetConfig()))
    model.to(device).eval().requires_grad_(False)

    def features(frames: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            pixels = ((frames.float() - 127) / 128).to(device)
            found: torch.Tensor = model._avg_pooling(model.extract_features(pixels)).flatten(1).cpu()
            return found

    return features


def whole_way(items: list[tuple[str, str]], num_rounds: int, device: torch.device) -> dict[str, object]:
    """From files to embeddings in one task, in bf16: how long the device computes, and what decoding costs a core;
    medians.
    """
    config = ImagenetConfig(backend="torch", precision="bf16")
    models = load_frame_models(Config(experts=("imagenet",), imagenet=config), device)
    taken: list[tuple[float, list[Outcome]]] = []
    for _ in range(num_rounds + 1):
        start = time.perf_counter()
        outcomes = list(embed_gifs(iter_loaded(items, Config().frames), models))
        taken.append((time.perf_counter() - start, outcomes))
    timed = taken[1:]  # the first one makes everything ready
    num_frames = sum(outcome.media.num_sampled for outcome in timed[0][1] if outcome.media is not None)
    seconds = statistics.median(took for took, _ in timed)
    busy = statistics.median(sum(outcome.seconds for outcome in outcomes) for _, outcomes in timed)
    decoding = statistics.median(sum(o.spent.decode for o in outcomes if o.spent is not None) for _, outcomes in timed)
    return {
        "name": "GPU, files to embeddings in bf16",
        "frames_per_s": round(num_frames / seconds),
        "device_share": round(busy / seconds, 2),
        "cores_of_decoding_for_one_device": round(decoding / busy, 2),
        "decode_ms_a_frame": round(1000 * decoding / num_frames, 3),
        "cores_here": len(os.sched_getaffinity(0)),
    }


if __name__ == "__main__":
    main()
