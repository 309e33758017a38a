"""A GPU that is full: batches are halved, loading is tried once more, and then one line says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from autotag_core.config import Config, ImagenetConfig, TextConfig
from autotag_core.errors import AutotagError
from autotag_core.experts import load_frame_models, load_language_model, registry
from autotag_core.experts.frames.memory import loaded_on_device
from autotag_core.experts.text import language_model as language

CPU = torch.device("cpu")
FULL = RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")
TEXTS = [f"good luck {number}" for number in range(70)]


class FullFirst:
    """Fails so many times, then does what the function does."""

    def __init__(self, function: Any, num_full: int, error: RuntimeError = FULL) -> None:
        self.function, self.num_full, self.num_calls, self.error = function, num_full, 0, error

    def __call__(self, *given: Any, **named: Any) -> Any:
        self.num_calls += 1
        if self.num_calls <= self.num_full:
            raise self.error
        return self.function(*given, **named)


def test_loading_is_tried_once_more_where_the_gpu_is_full() -> None:
    load = FullFirst(lambda: "model", 1)
    assert loaded_on_device(load, "imagenet") == "model"
    assert load.num_calls == 2
    load = FullFirst(lambda: "model", 2)
    with pytest.raises(AutotagError, match="imagenet does not fit the GPU's free memory") as error:
        loaded_on_device(load, "imagenet")
    assert (load.num_calls, "\n" in str(error.value)) == (2, False)


def test_another_error_while_loading_is_raised_at_once() -> None:
    load = FullFirst(lambda: "model", 1, RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        loaded_on_device(load, "imagenet")
    assert load.num_calls == 1


def test_backbones_are_loaded_the_second_time(monkeypatch: pytest.MonkeyPatch) -> None:
    load = FullFirst(lambda config, device: "a backbone", 1)
    monkeypatch.setitem(registry.BACKBONES, "imagenet", load)
    models = load_frame_models(Config(experts=("imagenet",), imagenet=ImagenetConfig(backend="torch")), CPU)
    assert (dict(models.backbones), load.num_calls) == ({"imagenet": "a backbone"}, 2)


def test_a_language_model_is_loaded_the_second_time_and_a_full_gpu_is_no_wrong_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    language._load.cache_clear()
    load = FullFirst(language._load_minilm, 1)
    monkeypatch.setattr(language, "_load_minilm", load)
    assert load_language_model(TextConfig(), CPU).embed(["hello"]).any()
    assert load.num_calls == 2
    language._load.cache_clear()
    monkeypatch.setattr(language, "_load_minilm", FullFirst(load, 9))
    with pytest.raises(AutotagError, match="text: minilm does not fit the GPU's free memory"):
        load_language_model(TextConfig(), CPU)
    language._load.cache_clear()


class FewTexts:
    """States of a device on which only so many texts fit."""

    def __init__(self, states: Any, fits: int) -> None:
        self.states, self.fits, self.sizes = states, fits, []

    def __call__(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        self.sizes.append(len(ids))
        if len(ids) > self.fits:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return self.states(ids, mask)


def test_a_batch_of_texts_is_halved_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_language_model(TextConfig(), CPU)
    wanted = model.embed(TEXTS)
    few = FewTexts(model._states, 20)
    monkeypatch.setattr(model, "_states", few)
    np.testing.assert_allclose(model.embed(TEXTS), wanted, atol=1e-6)
    assert few.sizes == [64, 32, 16, 16, 16, 16, 64, 32, 16], "64 texts, then 6 in a batch of their own"


def test_a_text_that_never_fits_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load_language_model(TextConfig(), CPU)
    monkeypatch.setattr(model, "_states", FewTexts(model._states, 0))
    with pytest.raises(AutotagError, match="not even one text fits the GPU's free memory"):
        model.embed(TEXTS)
