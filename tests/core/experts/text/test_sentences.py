"""What a line of text means, in bytes, and one text faster."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from autotag_core.config import TextConfig
from autotag_core.errors import InputError
from autotag_core.experts.text.sentences import DIMENSION, as_bytes, load_sentences, sentences_version

TEXTS = ["so tired of mondays", "exhausted", "a furry feline", "cat", "an automobile on the road", "car"]


def test_bytes_keep_cosines_to_a_hundredth() -> None:
    vectors = load_sentences(TextConfig()).embed(TEXTS)
    small = as_bytes(vectors).astype(np.float64)
    small /= np.linalg.norm(small, axis=1, keepdims=True)
    np.testing.assert_allclose(small @ small.T, vectors @ vectors.T, atol=0.01)
    assert as_bytes(np.array([[1.0, -1.0, 0.004, 0.0]])).tolist() == [[127, -127, 1, 0]]


def test_one_text_has_the_vector_that_it_has_among_others() -> None:
    model = load_sentences(TextConfig())
    alone = np.stack([model.embed_one(text) for text in TEXTS])
    np.testing.assert_allclose(alone, model.embed(TEXTS), atol=1e-5)


def test_the_version_names_the_weights_and_other_vectors_are_refused(tmp_path: Path) -> None:
    assert sentences_version(TextConfig()).startswith("minilm-53aa51172d14-")
    for name in ("tokenizer.json", "model.safetensors"):
        (tmp_path / name).touch()
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 768}))
    with pytest.raises(InputError, match=f"vectors of 768 numbers, search documents hold {DIMENSION}"):
        sentences_version(TextConfig(weights=str(tmp_path)))
