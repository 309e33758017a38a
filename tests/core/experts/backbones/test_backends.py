"""One backend for a whole job: decided once, named in every model version, refused where it does not fit."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torchvision.models import resnet50

from autotag_core.config import Config, FramesConfig, ImagenetConfig
from autotag_core.config.file import load_config
from autotag_core.errors import AutotagError, InputError, NotConvertedError
from autotag_core.experts import (
    EXPERTS,
    check_experts,
    load_backbone,
    load_frame_models,
    model_versions,
    settled,
    write_weights,
)
from autotag_core.experts.backbones import backends
from autotag_core.experts.backbones.backends import backend_of
from autotag_core.experts.backbones.probes import drawn_frames

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)
SHOWN = Config(experts=("imagenet",))


def with_imagenet(**settings: Any) -> Config:
    return Config(experts=("imagenet",), imagenet=ImagenetConfig(**settings))


def without(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = backends.find_spec
    monkeypatch.setattr(backends, "find_spec", lambda name: None if name == package else found(name))


def test_auto_is_onnxruntime_on_cpus_and_torch_on_gpus() -> None:
    assert settled(SHOWN).imagenet.backend == "onnxruntime"
    assert settled(SHOWN, on_gpus=True).imagenet.backend == "torch"
    assert (
        settled(with_imagenet(device="cuda")).imagenet.backend == backend_of(ImagenetConfig(device="cuda")) == "torch"
    )
    for named in ("torch", "onnxruntime"):
        assert settled(with_imagenet(backend=named)).imagenet.backend == named
    assert settled(settled(SHOWN)) == settled(SHOWN)


def test_each_version_names_its_backend_and_precision() -> None:
    named = {
        ("auto", "fp32"): "onnxruntime-fp32",
        ("onnxruntime", "fp32"): "onnxruntime-fp32",
        ("torch", "fp32"): "torch-fp32",
        ("auto", "int8"): "onnxruntime-int8",
        ("auto", "bf16"): "torch-bf16",
    }
    for (backend, precision), end in named.items():
        config = with_imagenet(backend=backend, precision=precision)
        version = f"efficientnet_lite0-579344248a93-{end}"
        assert check_experts(config) == model_versions(config) == {"imagenet": version}
        models = load_frame_models(config, CPU)
        assert models.backbones["imagenet"].version == models.experts[0].model_version == version


def test_half_precision_has_nearly_the_features_of_float32_and_another_version() -> None:
    frames = drawn_frames(4)
    exact, half = (load_backbone(ImagenetConfig(backend="torch", precision=name), CPU) for name in ("fp32", "bf16"))
    found = half.features(frames)
    assert found.dtype == torch.float32
    cosines = torch.nn.functional.cosine_similarity(exact.features(frames), found)
    assert 0.99 < cosines.min() < 0.9999
    assert half.version == exact.version.removesuffix("fp32") + "bf16"


def test_fp16_is_for_gpus() -> None:
    config = with_imagenet(precision="fp16")
    with pytest.raises(InputError, match=r"imagenet\.precision is fp16, which is for GPUs, but Spark gives tasks none"):
        settled(config)
    with pytest.raises(InputError, match=r"imagenet\.precision is fp16, which is for GPUs, but the task has none"):
        load_backbone(config.imagenet, CPU)
    assert settled(config, on_gpus=True).imagenet.backend == "torch"
    assert check_experts(config) == {"imagenet": "efficientnet_lite0-579344248a93-torch-fp16"}, "weights are checked"


def test_batches_are_bounded_by_the_bytes_of_their_frames() -> None:
    many = with_imagenet().imagenet.model_copy(update={"cpu_batch": 1000})
    config = with_imagenet().model_copy(update={"imagenet": many, "seed": 8})  # loaded apart
    assert load_frame_models(config, CPU).batch_size == 64 * 2**20 // (3 * 224 * 224)
    large = config.model_copy(update={"frames": FramesConfig(size=1024)})
    assert load_frame_models(large, CPU).batch_size == 21
    assert load_frame_models(SHOWN, CPU).batch_size == 4


def test_without_the_packages_frames_are_embedded_by_torch_and_the_log_and_the_version_say_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without("onnx", monkeypatch)
    with caplog.at_level(logging.WARNING):
        config = settled(SHOWN)
    assert [record.getMessage() for record in caplog.records] == [
        "frames are embedded by torch, at a fraction of the speed: the package onnx is not installed"
    ]
    assert EXPERTS["imagenet"].model_version(config) == EXPERTS["imagenet"].model_version(SHOWN)
    assert EXPERTS["imagenet"].model_version(config) == "efficientnet_lite0-579344248a93-torch-fp32"
    with pytest.raises(AutotagError, match=r"imagenet\.precision is int8, .*but the package onnx is not installed"):
        settled(with_imagenet(precision="int8"))


def test_an_executor_without_the_package_refuses_what_the_driver_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    config = settled(SHOWN)
    without("onnxruntime", monkeypatch)
    with pytest.raises(InputError, match="that package is not installed on this machine: install it on all of them"):
        load_backbone(config.imagenet, CPU)


def test_a_network_that_cannot_be_converted_stays_in_torch(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: Any) -> Any:
        raise NotConvertedError("it has a loop")

    monkeypatch.setattr(backends, "load_onnx", refuse)
    assert check_experts(SHOWN) == {"imagenet": "efficientnet_lite0-579344248a93-torch-fp32"}
    assert caplog.text == "", "the run says it, in its log"
    assert settled(SHOWN).imagenet.backend == "torch"
    assert "imagenet.backend is onnxruntime: it has a loop" in caplog.text
    with pytest.raises(NotConvertedError, match=r"it has a loop; set imagenet\.backend=torch"):
        check_experts(with_imagenet(backend="onnxruntime"))
    with pytest.raises(AutotagError, match=r"imagenet\.precision is int8, .*it has a loop"):
        settled(with_imagenet(precision="int8"))


def test_a_task_with_a_gpu_refuses_what_was_decided_for_cpus() -> None:
    with pytest.raises(InputError, match=r"imagenet\.backend is onnxruntime, .* but the task has a GPU"):
        load_backbone(ImagenetConfig(backend="onnxruntime"), GPU)
    with pytest.raises(InputError, match=r"imagenet\.precision is int8: only onnxruntime on a CPU has that"):
        load_backbone(ImagenetConfig(precision="int8"), GPU)
    with pytest.raises(
        AutotagError, match=r"imagenet\.precision is int8, for onnxruntime on CPUs, but tasks have GPUs"
    ):
        settled(with_imagenet(precision="int8"), on_gpus=True)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("backend=onnxruntime device=cuda", "backend=onnxruntime computes on the CPU and device=cuda does not"),
        ("precision=int8 backend=torch", "not with backend=torch"),
        ("precision=int8 device=cuda", "not with backend=torch or device=cuda"),
        ("precision=int8 backbone=resnet50", "what resnet50 loses is not known"),
        ("precision=bf16 backend=onnxruntime", "are torch's: not with backend=onnxruntime"),
        ("precision=fp16 device=cpu", "precision=fp16 is for GPUs: not with device=cpu"),
    ],
)
def test_settings_that_exclude_each_other_are_refused(settings: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_config(None, [f"imagenet.{setting}" for setting in settings.split()])


def test_weights_of_another_network_are_no_failed_conversion(tmp_path: Path) -> None:
    write_weights({"conv1.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "other.safetensors")
    with pytest.raises(InputError, match="not weights of resnet50"):
        settled(with_imagenet(backbone="resnet50", weights=str(tmp_path / "other.safetensors")))


def test_resnet50_has_the_features_of_torch_too(tmp_path: Path) -> None:
    torch.manual_seed(3)
    write_weights(resnet50(weights=None).state_dict(), tmp_path / "resnet50.safetensors")
    frames = torch.randint(0, 256, (2, 3, 96, 96), dtype=torch.uint8)
    both = [
        load_backbone(
            ImagenetConfig(backbone="resnet50", weights=str(tmp_path / "resnet50.safetensors"), backend=backend), CPU
        )
        for backend in ("torch", "onnxruntime")
    ]
    in_torch, in_onnx = (backbone.features(frames) for backbone in both)
    assert torch.nn.functional.cosine_similarity(in_torch, in_onnx).min() >= 0.99999
    assert [backbone.version.split("-", 2)[2] for backbone in both] == ["torch-fp32", "onnxruntime-fp32"]
