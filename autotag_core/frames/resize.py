"""From a canvas of any size to the square that the model sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

_MAX_ASPECT = 4


def fit_frame(pixels: NDArray[np.uint8], size: int) -> torch.Tensor:
    """The canvas, (height, width, 4), as a frame (3, size, size) RGB: see fit_into."""
    import torch

    frame = torch.empty((3, size, size), dtype=torch.uint8)
    fit_into(frame, pixels)
    return frame


def fit_into(frame: torch.Tensor, pixels: NDArray[np.uint8]) -> None:
    """Fill the frame (3, size, size) with the centre of the canvas (height, width, 4) resized by its shorter side.

    This does what torchvision's antialiased bilinear Resize and CenterCrop do on bytes. The longer side becomes
    floor(size * longer / shorter); the crop starts at round((longer - size) / 2). A canvas longer than 4 : 1 is first
    cut to 4 : 1 around its centre, which does not change the crop: a 1 x 60,000 canvas would otherwise be resized to
    3 gigapixels. The result is within one level of torchvision where the canvas is enlarged, and else the same.
    """
    import torch

    size = frame.shape[-1]
    pixels = np.ascontiguousarray(_cut_to_max_aspect(pixels))
    height, width = pixels.shape[:2]
    resized = (size * height // min(height, width), size * width // min(height, width))
    top, left = (round((side - size) / 2) for side in resized)
    if min(height, width) < size:
        from autotag_core.frames.enlarging import enlarge_into

        enlarge_into(frame.numpy(), pixels, resized, (top, left))
        return
    # these strides say that one image is channels last; otherwise torch takes it for planes, at half the speed
    image = torch.from_numpy(pixels).as_strided((1, 4, height, width), (4 * height * width, 1, 4 * width, 4))
    if resized != (height, width):
        image = torch.nn.functional.interpolate(image, resized, mode="bilinear", antialias=True)  # (1, 4, *resized)
    frame.copy_(image[0, :3, top : top + size, left : left + size])


def _cut_to_max_aspect(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The centre of the canvas (height, width, 4), about 4 : 1, where it is longer; otherwise the canvas itself."""
    height, width = pixels.shape[:2]
    if max(height, width) <= _MAX_ASPECT * min(height, width):
        return pixels
    top, left = ((side - min(side, _MAX_ASPECT * min(height, width))) // 2 for side in (height, width))
    return pixels[top : height - top, left : width - left]
