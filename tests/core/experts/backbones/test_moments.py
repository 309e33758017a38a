"""The checkpoint published for Moments in Time: a file of its format, of random tensors, becomes backbone and head.

The oracle is the published graph (yjxiong/tensorflow-model-zoo.torch, bninception/inceptionv3.yaml) written out by its
own names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional
from torchvision.transforms.functional import resize

from autotag_core.config import Config, TemporalConfig
from autotag_core.errors import InputError
from autotag_core.experts import BACKBONES, EXPERTS, write_weights
from autotag_core.experts.backbones.inception import MomentsFrames
from autotag_core.experts.backbones.moments import load_moments_head
from autotag_core.experts.weight_files import file_sha256, main
from autotag_core.storage import write_bytes

CPU = torch.device("cpu")
Tensors = dict[str, torch.Tensor]
Pool = Callable[[torch.Tensor], torch.Tensor]


def published_shapes() -> dict[str, list[int]]:
    with torch.device("meta"):
        base = MomentsFrames(256).state_dict()
    shapes = {name: list(tensor.shape) for name, tensor in base.items() if not name.endswith("num_batches_tracked")}
    for index, scale in enumerate(range(8, 1, -1)):
        name = f"consensus.fc_fusion_scales.{index}"
        shapes |= {f"{name}.1.weight": [256, scale * 256], f"{name}.1.bias": [256]}
        shapes |= {f"{name}.3.weight": [339, 256], f"{name}.3.bias": [339]}
    return shapes


def random_tensor(name: str, shape: list[int], generator: torch.Generator) -> torch.Tensor:
    if name.endswith("running_var"):
        return torch.rand(shape, generator=generator) * 1.5 + 0.5
    if len(shape) > 1:
        return torch.randn(shape, generator=generator) * (2 / np.prod(shape[1:])) ** 0.5
    return torch.randn(shape, generator=generator) * 0.1 + (1.0 if name.endswith("batchnorm.weight") else 0.0)


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    generator = torch.Generator().manual_seed(5)
    return {name: random_tensor(name, shape, generator) for name, shape in published_shapes().items()}


@pytest.fixture(scope="module")
def config(tensors: Tensors, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A checkpoint as the published code saves it, in the format of before PyTorch 1.6, converted by the command."""
    old = tmp_path_factory.mktemp("moments") / "TRN_moments_best.pth.tar"
    new = old.with_name("moments.safetensors")
    state = {f"module.{name}": tensor for name, tensor in tensors.items()}
    checkpoint = {"epoch": 7, "arch": "InceptionV3", "state_dict": state, "best_prec1": torch.tensor(28.3)}
    torch.save(checkpoint, old, _use_new_zipfile_serialization=False)
    assert main([str(old), str(new)]) == 0
    return Config(temporal=TemporalConfig(backbone="moments", moments_weights=str(new)))


class PublishedGraph:
    """Frames (n, 3, 299, 299) as the published code feeds them -> (n, 2048)."""

    def __init__(self, tensors: Tensors) -> None:
        self.tensors = tensors

    def conv(self, x: torch.Tensor, name: str, stride: int = 1, padded: bool = True) -> torch.Tensor:
        tensor = {key: self.tensors[f"base_model.{name}_Conv2D.{key}"] for key in ("weight", "bias")}
        norm = {key: self.tensors[f"base_model.{name}_batchnorm.{key}"] for key in ("weight", "bias")}
        moments = [self.tensors[f"base_model.{name}_batchnorm.running_{key}"] for key in ("mean", "var")]
        height, width = tensor["weight"].shape[2:]
        padding = (height // 2, width // 2) if padded and stride == 1 else 0
        x = functional.conv2d(x, **tensor, stride=stride, padding=padding)
        return functional.batch_norm(x, *moments, **norm, eps=1e-5).relu()

    def tower(self, x: torch.Tensor, name: str, length: int, last_stride: int = 1) -> torch.Tensor:
        for number in range(length):
            stride = last_stride if number == length - 1 else 1
            x = self.conv(x, name + (f"_{number}" if number else ""), stride)
        return x

    def block(self, x: torch.Tensor, name: str, first: int, second: int) -> torch.Tensor:
        towers = self.tower(x, f"{name}_tower_conv", first), self.tower(x, f"{name}_tower_1_conv", second)
        return torch.cat([self.conv(x, f"{name}_conv"), *towers, self.conv(mean(x), f"{name}_tower_2_conv")], 1)

    def wide_block(self, x: torch.Tensor, name: str, pool: Pool) -> torch.Tensor:
        first, second = self.conv(x, f"{name}_tower_conv"), self.tower(x, f"{name}_tower_1_conv", 2)
        split = [
            self.conv(tower, f"{name}_{which}_mixed_conv{number}")
            for tower, which in ((first, "tower"), (second, "tower_1"))
            for number in ("", "_1")
        ]
        return torch.cat([self.conv(x, f"{name}_conv"), *split, self.conv(pool(x), f"{name}_tower_2_conv")], 1)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv(self.conv(self.conv(x, "conv", 2), "conv_1", padded=False), "conv_2")
        x = self.conv(self.conv(halved(x), "conv_3"), "conv_4", padded=False)
        x = halved(x)
        for name in ("mixed", "mixed_1", "mixed_2"):
            x = self.block(x, name, 2, 3)
        x = torch.cat([self.conv(x, "mixed_3_conv", 2), self.tower(x, "mixed_3_tower_conv", 3, 2), halved(x)], 1)
        for name in ("mixed_4", "mixed_5", "mixed_6", "mixed_7"):
            x = self.block(x, name, 3, 5)
        towers = self.tower(x, "mixed_8_tower_conv", 2, 2), self.tower(x, "mixed_8_tower_1_conv", 4, 2)
        x = torch.cat([*towers, halved(x)], 1)
        x = self.wide_block(self.wide_block(x, "mixed_9", mean), "mixed_10", largest)
        return functional.avg_pool2d(x, 8).flatten(1)


def mean(x: torch.Tensor) -> torch.Tensor:
    return functional.avg_pool2d(x, 3, 1, 1)


def largest(x: torch.Tensor) -> torch.Tensor:
    return functional.max_pool2d(x, 3, 1, 1)


def halved(x: torch.Tensor) -> torch.Tensor:
    return functional.max_pool2d(x, 3, 2, ceil_mode=True)


def test_names_and_shapes_are_those_of_the_published_network() -> None:
    base = sorted((name, shape) for name, shape in published_shapes().items() if name.startswith("base_model."))
    # of the 564 tensors that the published code builds from its inceptionv3.yaml
    assert len(base) == 564
    wanted = "0c48ebf98875403ffb3e6d81cf95c9f721e4039617bc65422b82300c60a0e5f5"
    assert hashlib.sha256(json.dumps(base).encode()).hexdigest() == wanted


def test_frame_features_are_those_of_the_published_graph(config: Config, tensors: Tensors) -> None:
    frames = torch.randint(0, 256, (2, 3, 224, 224), dtype=torch.uint8, generator=torch.Generator().manual_seed(6))
    backbone = BACKBONES["moments"](config, CPU)
    features = backbone.features(frames)
    blue_green_red = resize(frames.float(), [299, 299], antialias=True)[:, [2, 1, 0]]
    with torch.no_grad():
        shown = blue_green_red - torch.tensor([104.0, 117.0, 128.0]).reshape(3, 1, 1)
        wanted = PublishedGraph(tensors)(shown) @ tensors["new_fc.weight"].T + tensors["new_fc.bias"]
    assert features.shape == (2, backbone.dimension) == (2, 256)
    torch.testing.assert_close(features, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))
    assert (
        backbone.version == f"moments-{file_sha256(Path(str(config.temporal.moments_weights)))[:12]}-onnxruntime-fp32"
    )


def test_the_head_of_the_checkpoint_embeds_by_its_own_tensors(config: Config, tensors: Tensors) -> None:
    head = load_moments_head(config)
    assert (head.dimension, head.input_dim, head.record.num_classes) == (7 * 256, 256, 339)
    assert head.version.startswith("trn-moments-")
    assert EXPERTS["temporal"].model_version(config) == head.version, "it is the head of the expert `temporal`"
    assert EXPERTS["temporal"].dimension(config) == 7 * 256
    head.check_backbone(f"moments-{str(head.file_sha256)[:12]}-onnxruntime-fp32")
    frames = np.random.default_rng(8).normal(size=(8, 256)).astype(np.float32)
    embedding = head.embed(frames)
    weight, bias = (tensors[f"consensus.fc_fusion_scales.0.1.{kind}"].numpy() for kind in ("weight", "bias"))
    largest_scale = np.maximum(weight @ np.maximum(frames.reshape(-1), 0) + bias, 0)
    assert embedding is not None
    first = embedding[:256]
    np.testing.assert_allclose(first / np.linalg.norm(first), largest_scale / np.linalg.norm(largest_scale), atol=1e-5)


def test_no_weights_or_those_of_another_network_are_one_clear_line(tmp_path: Path) -> None:
    for load in (lambda config: BACKBONES["moments"](config, CPU), load_moments_head):
        with pytest.raises(InputError, match=r"set temporal\.moments_weights.*zhoubolei/TRN-pytorch, converted by"):
            load(Config(temporal=TemporalConfig(backbone="moments")))
        path = tmp_path / "other.safetensors"
        other = Config(temporal=TemporalConfig(backbone="moments", moments_weights=str(path)))
        write_weights(
            {"conv1.weight": torch.zeros(2), "module.consensus.fc_fusion_scales.0.1.weight": torch.ones(3)}, path
        )
        with pytest.raises(InputError, match="these are not weights of the Moments in Time checkpoint"):
            load(other)
        write_bytes(str(path), b"no weights")
        with pytest.raises(InputError, match="not a whole safetensors file"):
            load(other)


def test_a_checkpoint_whose_head_is_cut_short_is_refused(tmp_path: Path, tensors: Tensors) -> None:
    kept = {f"module.{name}": tensor for name, tensor in tensors.items() if "consensus.fc_fusion_scales.0" in name}
    write_weights(kept, tmp_path / "cut.safetensors")
    with pytest.raises(InputError, match=r"fc_fusion_scales\.1\.1\.weight is missing"):
        load_moments_head(Config(temporal=TemporalConfig(moments_weights=str(tmp_path / "cut.safetensors"))))
