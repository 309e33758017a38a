"""What each frame network takes and gives: normalised pixels in, features of one length out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class Form:
    """A network's features and its pixels, (pixel - mean) / std on the 0..255 scale."""

    dimension: int
    mean: Channels
    std: Channels
    size: int | None = None
    """Height and width that frames are resized to. None: it takes them as they are."""


# EfficientNet-Lite was trained with MEAN_RGB 127, STDDEV_RGB 128 (tensorflow/tpu,
# efficientnet/lite/efficientnet_lite_builder.py), not with the usual ImageNet statistics.
# Moments: zhoubolei/TRN-pytorch, models.py, has the means of blue, green, red.
_IMAGENET = ((0.485 * 255, 0.456 * 255, 0.406 * 255), (0.229 * 255, 0.224 * 255, 0.225 * 255))
FORMS = {
    "efficientnet_lite0": Form(1280, (127.0, 127.0, 127.0), (128.0, 128.0, 128.0)),
    "resnet50": Form(2048, *_IMAGENET),
    "resnext101_wsl": Form(2048, *_IMAGENET),
    "moments": Form(256, (128.0, 117.0, 104.0), (1.0, 1.0, 1.0)),
}


def normalised(frames: torch.Tensor, form: Form) -> torch.Tensor:
    """Frames (n, 3, height, width) uint8 RGB as a network of this form takes them, float32 on their device."""
    import torch

    mean, std = _statistics(form, frames.device)
    return frames.to(torch.float32).sub_(mean).div_(std)


@functools.cache
def _statistics(form: Form, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    import torch

    mean, std = (torch.tensor(values, device=device).reshape(1, 3, 1, 1) for values in (form.mean, form.std))
    return mean, std


def resized(pixels: torch.Tensor, size: int) -> torch.Tensor:
    """Pixels (n, 3, height, width) at size x size, bilinear and without aliasing."""
    from torch.nn.functional import interpolate

    if pixels.shape[-2:] == (size, size):
        return pixels
    return interpolate(pixels, (size, size), mode="bilinear", antialias=True)


def resizing(network: Callable[[Any], Any], size: int) -> Callable[[Any], Any]:
    """The network, given frames of any size."""
    return lambda pixels: network(resized(pixels, size))
