"""What words mean, by a language model."""

from __future__ import annotations

from autotag_core.config import TextConfig
from autotag_core.errors import InputError
from autotag_core.labels.steps.grouping import Meaning


def load_meaning(config: TextConfig) -> Meaning | None:
    """MiniLM on the CPU, the model of the `text` expert. None where its package and text.weights are missing."""
    import torch

    from autotag_core.experts import load_language_model

    weights = config.weights if config.language_model == "minilm" else None
    settings = config.model_copy(update={"language_model": "minilm", "weights": weights})
    try:
        return load_language_model(settings, torch.device("cpu")).embed
    except InputError:
        return None
