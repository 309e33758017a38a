"""What words mean, by a language model."""

from __future__ import annotations

from autotag_core.config import TextConfig
from autotag_core.errors import InputError
from autotag_core.labels.steps.grouping import Meaning


def load_meaning(config: TextConfig) -> Meaning | None:
    """MiniLM on the CPU, the model of the `text` expert. None where its package and text.weights are missing."""
    from autotag_core.experts.text.sentences import load_sentences

    try:
        return load_sentences(config).embed
    except InputError:
        return None
