"""The other side of benchmarks.serving: `python -m benchmarks.serving_plain MODEL PORT`.

What a first version of such a service is: one FastAPI endpoint that opens the GIF by Pillow, passes its sampled frames
through plain EfficientNet-Lite0 in eager torch, and applies the tagger's classes to their mean. No batching.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool

from autotag_core.config import FramesConfig
from autotag_core.frames import read_header, sample_indices
from autotag_core.tagger.tagger_model import TaggerModel, load_tagger
from benchmarks.framework_sides import frames_of, network

THREADS, TOP = 2, 5


def main() -> None:
    """The command."""
    model, port = load_tagger(sys.argv[1]), int(sys.argv[2])
    network()
    import torch

    torch.set_num_threads(THREADS)
    app = FastAPI()

    @app.post("/suggest")
    async def suggest(request: Request) -> dict[str, Any]:
        return await run_in_threadpool(tags_of, model, await request.body())

    # FastAPI looks for the names of annotations in this module
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


def tags_of(model: TaggerModel, data: bytes) -> dict[str, Any]:
    """The TOP likeliest tags with their probabilities."""
    import torch

    config = FramesConfig()
    indices = sample_indices(read_header(data).delays_ms, config.num_frames, config.sampling)
    with torch.inference_mode():
        features = network()((torch.from_numpy(frames_of(data, indices)).float() - 127) / 128).numpy()
    chances = model.probabilities(features[None], np.ones((1, len(features)), bool))[0]
    best = np.argsort(-chances)[:TOP]
    return {"tags": [model.record.labels[at] for at in best], "probabilities": chances[best].tolist()}


if __name__ == "__main__":
    main()
