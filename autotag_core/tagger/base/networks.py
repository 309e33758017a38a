"""Networks that can be a base: by torchvision's names, or the backbone of a release. Weights are local files.

Loading this needs torch.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from autotag_core.config import Config
from autotag_core.errors import InputError
from autotag_core.experts.backbones.forms import FORMS, Form, normalised
from autotag_core.experts.backbones.networks import load_state_dict
from autotag_core.experts.weight_files import filled, read_weights
from autotag_core.tagger.experiment import Experiment

LITE, RELEASE = "efficientnet_lite0", "release"
_OF_RELEASE = {LITE: LITE, "resnet50": "resnet50", "resnext101_wsl": "resnext101_32x8d"}
"""The architecture of each backbone of a night that can learn."""
_SIDE = 224
"""Height and width of frames that every model of torchvision takes."""
_CLASSIFIERS = ("fc", "classifier", "heads", "head")
"""What torchvision's models call their last layers."""
_BLOCK = re.compile(r"(?:[^.\d]+\.)*?(?:\d+|[^.]*\d[^.]*(?:\.\d+(?=\.))?)(?=\.)|[^.]+")
"""The block of a parameter: its name up to the first part with a digit, such as features.7 or layer4.1."""
_NORMS = (nn.modules.batchnorm._BatchNorm,)


class BaseNetwork(nn.Module):
    """Frames (n, 3, size, size) uint8 in, features (n, dimension) out. Batch norm keeps the statistics of its weights:
    those of a few GIFs would be noise."""

    def __init__(self, network: nn.Module, form: Form) -> None:
        super().__init__()
        self.network, self.form = network, form

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """Features of frames."""
        return self.network(normalised(frames, self.form))

    def features(self, frames: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Features (n, t, dimension) of frames (n, t, 3, size, size), 0 where the mask (n, t) has none."""
        found = self(frames[mask])
        features = found.new_zeros((*mask.shape, found.shape[1]))
        features[mask] = found
        return features

    def train(self, mode: bool = True) -> BaseNetwork:
        """Training, in which batch norm stays as it is."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, _NORMS):
                module.eval()
        return self

    def train_last(self, num_blocks: int) -> list[nn.Parameter]:
        """Let the last blocks learn and no other; their parameters. A number beyond all blocks: everything learns."""
        blocks: list[list[nn.Parameter]] = []
        for _, items in itertools.groupby(self.network.named_parameters(), lambda one: _block_of(one[0])):
            parameters = [parameter for _, parameter in items]
            if blocks and all(parameter.ndim < 2 for parameter in parameters):
                blocks[-1] += parameters  # a norm belongs to what it follows
            else:
                blocks.append(parameters)
        self.network.requires_grad_(False)
        learning = [parameter for block in blocks[-num_blocks:] for parameter in block]
        for parameter in learning:
            parameter.requires_grad_(True)
        return learning


class _Flat(nn.Module):
    """A network without its classifier, whatever shape that took."""

    def __init__(self, model: Any, is_lite: bool) -> None:
        super().__init__()
        self.model, self.is_lite = model, is_lite

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        if self.is_lite:
            return self.model._avg_pooling(self.model.extract_features(pixels)).flatten(1)
        return self.model(pixels).flatten(1)


def architecture_of(experiment: Experiment, config: Config) -> str:
    """What `build_base` makes for this experiment on a release. InputError where the release's can't learn."""
    if experiment.base != RELEASE:
        return str(experiment.base)
    found = _OF_RELEASE.get(config.imagenet.backbone)
    if found is None:
        raise InputError(
            f"base=release: imagenet.backbone={config.imagenet.backbone} can't be fine-tuned; it can be "
            f"{', '.join(_OF_RELEASE)}, or name a model of torchvision with base and base_weights"
        )
    return found


def open_base(experiment: Experiment, config: Config) -> BaseNetwork:
    """The base with its published or given weights. InputError where they are missing or of another network."""
    architecture = architecture_of(experiment, config)
    if experiment.base == RELEASE:
        tensors = load_state_dict(config.imagenet)
    elif experiment.base_weights is None:
        raise InputError(f"base={architecture}: name its weights, a local .safetensors file, with base_weights")
    else:
        tensors = read_weights(Path(experiment.base_weights))
    return _wrapped(architecture, filled(lambda: _whole(architecture), tensors, architecture))


def build_base(architecture: str, tensors: Mapping[str, torch.Tensor]) -> BaseNetwork:
    """The base with tensors that were saved of one like it."""
    return filled(lambda: _wrapped(architecture, _whole(architecture)), tensors, f"base {architecture}")


def _whole(architecture: str) -> Any:
    if architecture == LITE:
        try:
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError:
            raise InputError("base: the package efficientnet-lite-pytorch is not installed") from None
        return EfficientNet.from_name("efficientnet-lite0")
    from torchvision.models import get_model, list_models

    if architecture not in list_models(module=_classification()):
        raise InputError(f"base={architecture}: no classification model of torchvision; such as mobilenet_v2, resnet50")
    try:
        return get_model(architecture, weights=None)
    except NotImplementedError:  # it computes with its first weights, which have no memory here
        raise InputError(f"base={architecture}: it can't be built from a file; take another model") from None


def _classification() -> Any:
    import torchvision

    return torchvision.models


def _wrapped(architecture: str, model: Any) -> BaseNetwork:
    if architecture == LITE:
        model._fc = nn.Identity()
        return BaseNetwork(_Flat(model, True), FORMS[LITE])
    name = next((name for name in _CLASSIFIERS if hasattr(model, name)), None)
    if name is None or getattr(model, "aux_logits", False):
        raise InputError(f"base={architecture}: its classifier can't be taken off; take another model")
    setattr(model, name, nn.Identity())
    network = _Flat(model, False).eval()
    with torch.no_grad():
        dimension = network(torch.zeros(1, 3, _SIDE, _SIDE)).shape[1]
    return BaseNetwork(network, Form(dimension, FORMS["resnet50"].mean, FORMS["resnet50"].std))


def _block_of(name: str) -> str:
    found = _BLOCK.match(name.removeprefix("model."))
    return found.group() if found else name
