"""Batch norm folded into the convolution before it, symmetric padding moved inside: faster, equal but for rounding."""

from __future__ import annotations

from typing import Any


def fold_efficientnet(model: Any) -> Any:
    """Fold an efficientnet_lite_pytorch model in place; it must not be trained afterwards."""
    import torch

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
    return model


def fold_resnet(model: Any) -> Any:
    """Fold a torchvision ResNet of bottleneck blocks in place; it must not be trained afterwards."""
    model.eval()
    _fold(model, "conv1", "bn1")
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        for block in layer:
            for index in (1, 2, 3):
                _fold(block, f"conv{index}", f"bn{index}")
            if block.downsample is not None:
                _fold(block.downsample, "0", "1")
    return model


def _fold(parent: Any, convolution: str, batch_norm: str) -> None:
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    setattr(parent, convolution, fuse_conv_bn_eval(getattr(parent, convolution), getattr(parent, batch_norm)))
    setattr(parent, batch_norm, torch.nn.Identity())


def _pad_inside(convolution: Any) -> None:
    """Stride 2 needs one more pixel right and below, as TensorFlow pads: that stays a step of its own."""
    import torch

    padding = getattr(convolution, "static_padding", None)
    if isinstance(padding, torch.nn.ZeroPad2d) and len(set(padding.padding)) == 1:
        convolution.padding = (padding.padding[0], padding.padding[0])
        convolution.static_padding = torch.nn.Identity()
