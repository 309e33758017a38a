"""What a line of text means: all-MiniLM-L6-v2 on the CPU, the default model of the `text` expert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from autotag_core.config import TextConfig
from autotag_core.errors import InputError
from autotag_core.experts.text import language_model
from autotag_core.experts.weight_files import file_sha256

if TYPE_CHECKING:
    from autotag_core.experts.text.language_model import LanguageModel

DIMENSION = 384
_SCALE = 127
"""Of a vector of length 1 in bytes. The cosine of two such vectors moves by less than 0.01."""


def load_sentences(config: TextConfig) -> LanguageModel:
    """MiniLM, kept for later calls of this process. InputError where its package and text.weights are missing."""
    import torch

    return language_model.load_language_model(_as_minilm(config), torch.device("cpu"))


def sentences_version(config: TextConfig) -> str:
    """The model and its weights, checked. InputError where there are none, or their vectors have another length."""
    settings = _as_minilm(config)
    folder = language_model.model_folder(settings.language_model, settings.weights)
    found = language_model.dimension(settings)
    if found != DIMENSION:
        raise InputError(f"text.weights {folder}: vectors of {found} numbers, search documents hold {DIMENSION}")
    return f"minilm-{file_sha256(folder / 'model.safetensors')[:12]}-int8"


def as_bytes(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, d) of length 1 as int8, a quarter of their size: round(127 x)."""
    return np.clip(np.rint(vectors * _SCALE), -_SCALE, _SCALE).astype(np.int8)


def _as_minilm(config: TextConfig) -> TextConfig:
    weights = config.weights if config.language_model == "minilm" else None
    return config.model_copy(update={"language_model": "minilm", "weights": weights})
