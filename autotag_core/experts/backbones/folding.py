"""Folds batch norm into the convolution before it and moves symmetric padding inside: faster, equal but for rounding.

Loading this needs torch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval


class _EfficientNetFeatures(torch.nn.Module):
    """An efficientnet_lite_pytorch model without its classifier."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> Any:
        return self.model._avg_pooling(self.model.extract_features(pixels)).flatten(1)  # (n, 1280)


def folded_efficientnet(model: Any) -> torch.nn.Module:
    """The efficientnet_lite_pytorch model before its classifier. The model itself is changed; don't train it again."""
    model.eval()
    _fold(model, "_conv_stem", "_bn0")
    _fold(model, "_conv_head", "_bn1")
    for block in model._blocks:
        if hasattr(block, "_expand_conv"):
            _fold(block, "_expand_conv", "_bn0")
        _fold(block, "_depthwise_conv", "_bn1")
        _fold(block, "_project_conv", "_bn2")
    for module in model.modules():
        if isinstance(module, torch.nn.Conv2d):
            _pad_inside(module)
        if isinstance(module, torch.nn.ReLU6):
            module.inplace = True
    return _EfficientNetFeatures(model).eval()


def folded_resnet(model: Any) -> torch.nn.Module:
    """The torchvision ResNet of bottleneck blocks before its classifier, (n, 2048). The model itself is changed."""
    model.eval()
    model.fc = torch.nn.Identity()
    _fold(model, "conv1", "bn1")
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        for block in layer:
            for index in (1, 2, 3):
                _fold(block, f"conv{index}", f"bn{index}")
            if block.downsample is not None:
                _fold(block.downsample, "0", "1")
    network: torch.nn.Module = model
    return network


def _fold(parent: Any, convolution: str, batch_norm: str) -> None:
    setattr(parent, convolution, fuse_conv_bn_eval(getattr(parent, convolution), getattr(parent, batch_norm)))
    setattr(parent, batch_norm, torch.nn.Identity())


def _pad_inside(convolution: Any) -> None:
    """Move symmetric padding inside. With stride 2 TensorFlow pads one more pixel right and below: that step stays."""
    padding = getattr(convolution, "static_padding", None)
    if isinstance(padding, torch.nn.ZeroPad2d) and len(set(padding.padding)) == 1:
        convolution.padding = (padding.padding[0], padding.padding[0])
        convolution.static_padding = torch.nn.Identity()
