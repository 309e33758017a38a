"""InceptionV3 as the temporal relation network's Moments in Time checkpoint has it, on torchvision's modules.

The layout is that of yjxiong/tensorflow-model-zoo.torch (bninception/inceptionv3.yaml). It differs from torchvision's
in four things: every convolution has a bias; batch norm's epsilon is 1e-5, not 1e-3; every 1 x n kernel is n x 1 and
the other way round; the last block pools by the maximum, not the mean. Loading this needs torch.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models import inception_v3
from torchvision.models.inception import InceptionE

_EPSILON = 1e-5

# By block: torchvision's name, then the zoo's names of its convolutions. A block without a list is a convolution.
_STEM = {"Conv2d_1a_3x3": "conv", "Conv2d_2a_3x3": "conv_1", "Conv2d_2b_3x3": "conv_2"}
_STEM |= {"Conv2d_3b_1x1": "conv_3", "Conv2d_4a_3x3": "conv_4"}

_A = {"branch1x1": "conv", "branch5x5_1": "tower_conv", "branch5x5_2": "tower_conv_1"}
_A |= {"branch3x3dbl_1": "tower_1_conv", "branch3x3dbl_2": "tower_1_conv_1", "branch3x3dbl_3": "tower_1_conv_2"}
_A |= {"branch_pool": "tower_2_conv"}

_B = {"branch3x3": "conv", "branch3x3dbl_1": "tower_conv", "branch3x3dbl_2": "tower_conv_1"}
_B |= {"branch3x3dbl_3": "tower_conv_2"}

_C = {"branch1x1": "conv", "branch7x7_1": "tower_conv", "branch7x7_2": "tower_conv_1", "branch7x7_3": "tower_conv_2"}
_C |= {"branch7x7dbl_1": "tower_1_conv", "branch7x7dbl_2": "tower_1_conv_1", "branch7x7dbl_3": "tower_1_conv_2"}
_C |= {"branch7x7dbl_4": "tower_1_conv_3", "branch7x7dbl_5": "tower_1_conv_4", "branch_pool": "tower_2_conv"}

_D = {"branch3x3_1": "tower_conv", "branch3x3_2": "tower_conv_1", "branch7x7x3_1": "tower_1_conv"}
_D |= {"branch7x7x3_2": "tower_1_conv_1", "branch7x7x3_3": "tower_1_conv_2", "branch7x7x3_4": "tower_1_conv_3"}

_E = {"branch1x1": "conv", "branch3x3_1": "tower_conv"}
_E |= {"branch3x3_2a": "tower_mixed_conv", "branch3x3_2b": "tower_mixed_conv_1"}
_E |= {"branch3x3dbl_1": "tower_1_conv", "branch3x3dbl_2": "tower_1_conv_1"}
_E |= {"branch3x3dbl_3a": "tower_1_mixed_conv", "branch3x3dbl_3b": "tower_1_mixed_conv_1"}
_E |= {"branch_pool": "tower_2_conv"}

_BLOCKS = {"Mixed_5b": ("mixed", _A), "Mixed_5c": ("mixed_1", _A), "Mixed_5d": ("mixed_2", _A)}
_BLOCKS |= {"Mixed_6a": ("mixed_3", _B)}
_BLOCKS |= {f"Mixed_6{letter}": (f"mixed_{number}", _C) for letter, number in zip("bcde", range(4, 8), strict=True)}
_BLOCKS |= {"Mixed_7a": ("mixed_8", _D), "Mixed_7b": ("mixed_9", _E), "Mixed_7c": ("mixed_10", _E)}


def published_names() -> dict[str, str]:
    """torchvision's name of each convolution with its batch norm -> the zoo's, in the order of the network."""
    names = dict(_STEM)
    for block, (prefix, convolutions) in _BLOCKS.items():
        names |= {f"{block}.{own}": f"{prefix}_{published}" for own, published in convolutions.items()}
    return names


class _LastBlock(InceptionE):
    """InceptionE whose pooled branch takes the maximum."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        middle, double = self.branch3x3_1(x), self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = torch.nn.functional.max_pool2d(x, kernel_size=3, stride=1, padding=1)
        branches = [
            self.branch1x1(x),
            *(self.branch3x3_2a(middle), self.branch3x3_2b(middle)),
            *(self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)),
            self.branch_pool(pooled),
        ]
        return torch.cat(branches, dim=1)  # (n, 2048, 8, 8)


class MomentsFrames(torch.nn.Module):
    """The published tensors under their names: base_model.<convolution>_Conv2D, <convolution>_batchnorm, new_fc."""

    def __init__(self, feature_dim: int) -> None:
        super().__init__()
        network = _network_without_memory()
        self.base_model = torch.nn.ModuleDict()
        for own, published in published_names().items():
            convolution = _turned(network.get_submodule(own).conv)
            self.base_model[f"{published}_Conv2D"] = convolution
            self.base_model[f"{published}_batchnorm"] = torch.nn.BatchNorm2d(convolution.out_channels, eps=_EPSILON)
        self.new_fc = torch.nn.Linear(network.fc.in_features, feature_dim)

    def folded(self) -> Any:
        """The network with batch norm inside its convolutions: frames (n, 3, 299, 299) -> features (n, feature_dim)."""
        network = _network_without_memory()
        for own, published in published_names().items():
            block = network.get_submodule(own)
            convolution: Any = self.base_model[f"{published}_Conv2D"]
            norm: Any = self.base_model[f"{published}_batchnorm"]
            block.conv, block.bn = fuse_conv_bn_eval(convolution, norm), torch.nn.Identity()
        network.fc = self.new_fc
        return network.eval()


def _network_without_memory() -> Any:
    with torch.device("meta"):
        network = inception_v3(weights=None, aux_logits=False, init_weights=False)
        network.Mixed_7c = _LastBlock(2048)
    return network


def _turned(convolution: Any) -> torch.nn.Conv2d:
    """The convolution with height and width exchanged and with a bias."""
    return torch.nn.Conv2d(
        convolution.in_channels,
        convolution.out_channels,
        convolution.kernel_size[::-1],
        convolution.stride,
        convolution.padding[::-1],
    )
