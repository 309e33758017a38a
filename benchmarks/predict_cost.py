"""What a prediction costs beside the night's work on the same GIFs: `python -m benchmarks.predict_cost MODEL FOLDER`.

MODEL is the run folder of a tagger, FOLDER holds GIFs. In turns, in one process, models loaded and warm: the night's
loading, decoding and embedding of each GIF by the expert imagenet, and the tagger's prediction with speaking frames.
Printed are the CPU seconds a GIF of both, and the ratio, whose target is 1.2.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from autotag_core.config.file import recorded_config
from autotag_core.experts import embed_gifs, load_frame_models, settled
from autotag_core.frames import iter_loaded
from autotag_core.tagger.predictor import Predictor
from autotag_core.tagger.tagger_model import load_tagger

TARGET = 1.2


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--gifs", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    uris = [str(path.absolute()) for path in sorted(options.folder.rglob("*.gif"))[: options.gifs]]
    model = load_tagger(options.model)
    config = recorded_config(model.record.config)
    config = settled(config.model_copy(update={"experts": ("imagenet",)}))
    frames = config.frames.model_copy(update={"allowed_places": ()})
    models, predictor = load_frame_models(config, torch.device("cpu")), Predictor(model, config.imagenet.threads)

    def night() -> int:
        return sum(
            outcome.error is None for outcome in embed_gifs(iter_loaded(zip(uris, uris, strict=True), frames), models)
        )

    def predict() -> int:
        return sum(one.error is None for one in predictor.predict(uris, 5, ()))

    assert night() == predict() > 0
    seconds = [(_spent(night), _spent(predict)) for _ in range(options.rounds)]
    by_night, by_tagger = np.median(seconds, axis=0) / len(uris)
    ratio = by_tagger / by_night
    print(f"{len(uris)} GIFs, {options.rounds} rounds in turns, medians of CPU seconds a GIF:")
    print(f"night {by_night:.4f}, predict {by_tagger:.4f}, ratio {ratio:.3f} (target at most {TARGET})")


def _spent(work: Callable[[], int]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()
