"""dlib's face network (King 2017) in torch: the same embeddings from the same file in a fraction of the time.

The layers are those of dlib's `examples/dnn_face_recognition_ex.cpp`. Its file holds their numbers from the first layer
to the last. Embeddings differ from dlib's own by less than 1e-5; a test holds that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from autotag_core.errors import InputError

DIMENSION = 128
_MEAN = (122.782, 117.001, 104.298)
_STAGES = ((32, 3, False), (64, 4, True), (128, 3, True), (256, 3, True), (256, 1, True))
"""Channels, blocks, and whether the first block halves the sides, from the input to the output."""
_LAYER = re.compile(rb"con_4|affine_|fc_2")
"""How the file names a layer with numbers: convolution, scale and offset of a channel, and the last product."""
Layers = Iterator[tuple[str, torch.Tensor]]


class DlibNetwork(nn.Module):
    """(n, 150, 150, 3) uint8 RGB to (n, 128) float32."""

    last: torch.Tensor
    mean: torch.Tensor

    def __init__(self, layers: Layers) -> None:
        super().__init__()
        self.first = _convolution(layers, 3, 32, side=7, stride=2)
        blocks, channels = [], 32
        for wanted, count, halves in _STAGES:
            for at in range(count):
                blocks.append(_Block(layers, channels, wanted, halves and at == 0))
                channels = wanted
        self.blocks = nn.Sequential(*blocks)
        self.register_buffer("last", _numbers(layers, "fc_2", channels * DIMENSION).reshape(channels, DIMENSION))
        self.register_buffer("mean", torch.tensor(_MEAN))

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """The embeddings."""
        pictures = ((chips - self.mean) / 256).permute(0, 3, 1, 2)  # (n, 3, 150, 150), channels last in memory
        small = functional.max_pool2d(functional.relu(self.first(pictures)), 3, 2)  # (n, 32, 35, 35)
        return self.blocks(small).mean((2, 3)) @ self.last


class _Block(nn.Module):
    """Two convolutions beside a shortcut. Where their sizes differ, zeros at the end fill the smaller one."""

    def __init__(self, layers: Layers, channels: int, wanted: int, halves: bool) -> None:
        super().__init__()
        self.first = _convolution(layers, channels, wanted, stride=2 if halves else 1)
        self.second = _convolution(layers, wanted, wanted)
        self.halves = halves

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        found = self.second(functional.relu(self.first(pictures)))
        kept = functional.avg_pool2d(pictures, 2, 2) if self.halves else pictures
        shape = [max(sides) for sides in zip(found.shape, kept.shape, strict=True)]
        return functional.relu(_filled(found, shape) + _filled(kept, shape))


def read_dlib_network(file: Path) -> DlibNetwork:
    """The network in dlib's file `dlib_face_recognition_resnet_model_v1.dat`. InputError where it holds another one."""
    try:
        network = DlibNetwork(_layers(file.read_bytes()))
    except (IndexError, StopIteration, ValueError) as error:
        raise InputError(f"{file}: not the face network of dlib: {error}") from error
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _filled(pictures: torch.Tensor, shape: list[int]) -> torch.Tensor:
    """Zeros at the end of channels, rows and columns up to the shape."""
    missing = [wanted - size for wanted, size in zip(shape, pictures.shape, strict=True)]
    return functional.pad(pictures, (0, missing[3], 0, missing[2], 0, missing[1])) if any(missing) else pictures


def _convolution(layers: Layers, channels: int, wanted: int, side: int = 3, stride: int = 1) -> nn.Conv2d:
    """The next convolution, with scale and offset of its channels in it."""
    size = wanted * channels * side * side
    numbers = _numbers(layers, "con_4", size + wanted)
    scale, offset = _numbers(layers, "affine_", 2 * wanted).split(wanted)
    convolution = nn.Conv2d(channels, wanted, side, stride, 0 if stride > 1 else side // 2)
    weight = numbers[:size].reshape(wanted, channels, side, side) * scale[:, None, None, None]
    convolution.load_state_dict({"weight": weight, "bias": numbers[size:] * scale + offset})
    return convolution


def _numbers(layers: Layers, kind: str, count: int) -> torch.Tensor:
    """The numbers of the next layer. ValueError where it is of another kind or size."""
    found, numbers = next(layers)
    if (found, numbers.numel()) != (kind, count):
        raise ValueError(f"{count} numbers of {kind} were expected, and there are {numbers.numel()} of {found}")
    return numbers


def _layers(data: bytes) -> Layers:
    """Kind and numbers of each layer. A tensor is its version, four sizes and its float32 numbers.

    fc_2 has its own two sizes before them.
    """
    for name in _LAYER.finditer(data):
        at = name.end()
        sizes = []
        for _ in range(7 if name[0] == b"fc_2" else 5):
            size, at = _integer(data, at)
            sizes.append(size)
        count = int(np.prod(sizes[-4:]))
        yield name[0].decode(), torch.from_numpy(np.frombuffer(data, "<f4", count, at).copy())


def _integer(data: bytes, at: int) -> tuple[int, int]:
    """A whole number of dlib's files and where it ends: a byte says in how many bytes the number follows."""
    end = at + 1 + data[at]
    return int.from_bytes(data[at + 1 : end], "little"), end
