"""The registry: each expert says what it is, and its parts are loaded once."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from autotag_core.config import Config, ImagenetConfig, TemporalConfig, TextConfig
from autotag_core.errors import InputError
from autotag_core.experts import EXPERTS, check_experts, chosen_experts, expert_statuses, load_frame_models

CPU = torch.device("cpu")


def test_every_expert_of_the_config_is_registered() -> None:
    assert [expert.name for expert in chosen_experts(Config())] == ["imagenet", "temporal", "semantic", "text"]
    assert [expert.name for expert in chosen_experts(Config(), "frames")] == ["imagenet"]
    assert [expert.name for expert in chosen_experts(Config(experts=("semantic",)), "frames")] == []


def test_an_expert_tells_its_dimension_and_whether_it_has_weights() -> None:
    resnet = Config(imagenet=ImagenetConfig(backbone="resnet50", weights="/nowhere/resnet50.safetensors"))
    assert EXPERTS["imagenet"].dimension(Config()) == 1280
    assert EXPERTS["imagenet"].dimension(resnet) == 2048
    assert EXPERTS["semantic"].dimension(Config()) == 64
    assert EXPERTS["text"].dimension(Config()) == 384
    assert EXPERTS["imagenet"].has_weights(Config())
    assert not EXPERTS["imagenet"].has_weights(resnet)
    assert all(expert.licence for expert in EXPERTS.values())


def test_experts_without_weights_are_listed_as_missing_with_the_dimension_they_would_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("nothing is downloaded"))
    config = Config(
        imagenet=ImagenetConfig(backbone="resnet50"),
        temporal=TemporalConfig(backbone="moments"),
        text=TextConfig(language_model="gpt2"),
    )
    listed = {status.name: status for status in expert_statuses(config)}
    assert {name: status.dimension for name, status in listed.items()} == {
        "imagenet": 2048,
        "temporal": 1792,
        "semantic": 64,
        "text": 768,
    }
    assert "its weights are not downloaded yet" in str(listed["imagenet"].missing)
    assert "set temporal.moments_weights" in str(listed["temporal"].missing)
    assert "text.weights=FOLDER" in str(listed["text"].missing)
    assert listed["semantic"].missing is None
    assert [status.model_version for status in listed.values()] == [None] * 4
    assert list(tmp_path.iterdir()) == []


def test_a_language_model_whose_config_is_broken_is_listed_as_missing(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    status = expert_statuses(Config(text=TextConfig(language_model="gpt2", weights=str(tmp_path))))[-1]
    assert (status.name, status.dimension) == ("text", 768)
    assert "hidden_size or n_embd must be a number" in str(status.missing)


def test_the_check_names_model_versions_or_the_missing_file() -> None:
    shown = Config(experts=("imagenet", "semantic"))
    assert check_experts(shown) == {"imagenet": "efficientnet_lite0-579344248a93-onnxruntime-fp32"}
    with pytest.raises(InputError, match=r"/nowhere/x\.safetensors: No such file"):
        check_experts(Config(imagenet=ImagenetConfig(weights="/nowhere/x.safetensors")))
    assert check_experts(Config(experts=("semantic",))) == {}
    assert check_experts(Config(experts=("text",)))["text"].startswith("minilm-53aa51172d14-fp32-rapidocr3.")
    with pytest.raises(InputError, match=r"text\.weights /nowhere: there is no config\.json"):
        check_experts(Config(experts=("text",), text=TextConfig(language_model="gpt2", weights="/nowhere")))


def test_models_are_loaded_once_for_one_config() -> None:
    models = load_frame_models(Config(), CPU)
    assert load_frame_models(Config(), torch.device("cpu")) is models
    assert models.batch_size == 4
    assert [expert.name for expert in models.experts] == ["imagenet"]
    assert list(models.backbones) == ["imagenet"]


def test_an_expert_over_frame_features_has_its_backbone_loaded_whoever_else_is_chosen() -> None:
    alone = load_frame_models(Config(experts=("temporal",)), CPU)
    assert (list(alone.backbones), alone.experts, alone.kept) == (["imagenet"], (), "imagenet")
    assert load_frame_models(Config(experts=("imagenet", "semantic", "text")), CPU).kept is None
    assert check_experts(Config(experts=("temporal",))) == {}, "its head is trained by the job"
    with pytest.raises(InputError, match=r"/nowhere/x\.safetensors: No such file"):
        check_experts(Config(experts=("temporal",), imagenet=ImagenetConfig(weights="/nowhere/x.safetensors")))
    with pytest.raises(InputError, match=r"set temporal\.moments_weights"):
        check_experts(Config(experts=("temporal",), temporal=TemporalConfig(backbone="moments")))


def test_without_experts_over_frames_nothing_is_loaded() -> None:
    models = load_frame_models(Config(experts=("semantic",)), CPU)
    assert (models.backbones, models.experts) == ({}, ())


def test_the_room_opens_without_torch_and_without_pyspark() -> None:
    code = "import sys, autotag_core.experts; print([m for m in ('torch', 'pyspark') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
