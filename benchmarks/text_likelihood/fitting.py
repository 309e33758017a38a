"""Fits the network of autotag_core/ocr/likelihood.py with torch and turns it into arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from autotag_core.ocr.likelihood import CELL, MAX_SIDE, STRIDES, Network
from autotag_core.ocr.pictures import shrunk
from benchmarks.text_likelihood.augmenting import augmented
from benchmarks.text_likelihood.examples import Example

CHANNELS = (16, 24, 24, 32, 32, 32)
_BATCH = 24
_WRITTEN = 0.12
"""Share of a cell that a read line must cover for the cell to count as written."""


@dataclass(frozen=True)
class Batch:
    """Examples of like size, padded to the largest."""

    frames: torch.Tensor
    """(n, 3, 16 * rows, 16 * columns), about -0.5 to 0.5; 0 beyond a frame's rim."""
    written: torch.Tensor
    """(n, rows, columns): 1 where OCR reads a line."""
    known: torch.Tensor
    """(n, rows, columns): 0 beyond the rim, at the rims of lines, and where OCR is unsure; else 1."""
    inside: torch.Tensor
    """(n, rows, columns): 0 inside the frame, much less than any score beyond it."""
    has_text: torch.Tensor
    """(n,): 1 where OCR reads anything."""
    is_known: torch.Tensor
    """(n,): 0 where only the rim of a line lies in the frame; else 1."""


def new_network(start: Network | None) -> nn.Sequential:
    """The network with random weights, each convolution normalized while it learns; or with those of a fitted one."""
    layers: list[nn.Module] = []
    before = 3
    for layer, (channels, stride) in enumerate(zip(CHANNELS, STRIDES, strict=True)):
        side, rim = (stride, 0) if layer == 0 else (3, 1)
        layers.append(nn.Conv2d(before, channels, side, stride, rim, bias=start is not None))
        layers += [nn.BatchNorm2d(channels) if start is None else nn.Identity(), nn.ReLU()]
        before = channels
    layers.append(nn.Conv2d(before, 1, 1))
    if start is not None:
        fitted = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
        for number, (layer, weights, bias) in enumerate(zip(fitted, start.weights, start.biases, strict=True)):
            scale = 255 if number == 0 else 1
            kernel = torch.from_numpy(weights * scale).reshape(*layer.kernel_size, layer.in_channels, -1)
            layer.weight.data = kernel.permute(3, 2, 0, 1).contiguous()
            assert layer.bias is not None
            layer.bias.data = torch.from_numpy(bias.copy())
    return nn.Sequential(*layers)


def fit(examples: Sequence[Example], epochs: int, seed: int, start: Network | None = None) -> nn.Sequential:
    """The network fitted to the examples: each cell to what OCR reads there, and the likeliest cells to the frame.

    It goes on from `start`, where that is given.
    """
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network = new_network(start)
    steps = epochs * num_batches(len(examples))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3 if start is None else 3e-3, total_steps=steps + 1)
    for epoch in range(epochs):
        losses = []
        for chosen in _batches(rng, examples):
            loss = loss_of(network, collate([augmented(rng, example) for example in chosen]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1} of {epochs}: loss {np.mean(losses):.3f}", flush=True)
    return network.eval()


def loss_of(network: nn.Module, batch: Batch) -> torch.Tensor:
    """Cross entropy of the cells, and of the frames by the mean of their two likeliest cells. Words weigh more."""
    scores = network(batch.frames)[:, 0]
    weights = batch.known * (1 + 2 * batch.written)
    cells = functional.binary_cross_entropy_with_logits(scores, batch.written, weight=weights, reduction="sum")
    likeliest = (scores + batch.inside).flatten(1).topk(2, 1).values.mean(1)
    weights = batch.is_known * (1 + batch.has_text)
    frames = functional.binary_cross_entropy_with_logits(likeliest, batch.has_text, weight=weights)
    return 2 * cells / batch.known.sum() + frames


def num_batches(num_examples: int) -> int:
    """Of one epoch."""
    return sum(-(-len(part) // _BATCH) for part in _parts(np.arange(num_examples)))


def _parts(order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.array_split(order, max(1, len(order) // (8 * _BATCH)))


def _batches(rng: Generator, examples: Sequence[Example]) -> Iterator[list[Example]]:
    """Batches of examples that are alike in size, so that little is padded."""
    for part in _parts(rng.permutation(len(examples))):
        by_size = sorted((examples[index] for index in part), key=lambda example: example.pixels.size)
        for number in rng.permutation(-(-len(by_size) // _BATCH)):
            yield by_size[number * _BATCH : (number + 1) * _BATCH]


def small(example: Example) -> Example:
    """The example in the size in which the network sees it."""
    pixels = shrunk(example.pixels, MAX_SIDE)
    scale = np.array([pixels.shape[1], pixels.shape[0]], np.float32) / example.pixels.shape[1::-1]
    return Example(pixels, (example.boxes * scale).astype(np.float32), example.is_read)


def collate(changed: Sequence[tuple[NDArray[np.float32], Example]]) -> Batch:
    """One batch of levels (h, w, 3) and the examples whose boxes lie in them."""
    shapes = [(-(-levels.shape[0] // CELL), -(-levels.shape[1] // CELL)) for levels, _ in changed]
    rows, columns = (max(sides) for sides in zip(*shapes, strict=True))
    frames = np.zeros((len(changed), 3, rows * CELL, columns * CELL), np.float32)
    written, known, touched = np.zeros((3, len(changed), rows, columns), np.float32)
    inside = np.full((len(changed), rows, columns), -50, np.float32)
    for index, ((levels, example), (height, width)) in enumerate(zip(changed, shapes, strict=True)):
        frames[index, :, : levels.shape[0], : levels.shape[1]] = levels.transpose(2, 0, 1)
        for array, cells in zip((written, known, touched), targets(example, height, width), strict=True):
            array[index, :height, :width] = cells
        inside[index, :height, :width] = 0
    has_text = written.max((1, 2))
    is_known = np.where(has_text == touched.max((1, 2)), 1, 0).astype(np.float32)
    return Batch(*(torch.from_numpy(array) for array in (frames, written, known, inside, has_text, is_known)))


def targets(example: Example, rows: int, columns: int) -> tuple[NDArray[np.float32], ...]:
    """Whether each cell is written, whether that is known, and whether a read line touches it: (rows, columns) each."""
    covered = []
    for is_read in (True, False):
        mask = np.zeros((rows * CELL, columns * CELL), np.uint8)
        for box in example.boxes[example.is_read == is_read]:
            cv2.fillPoly(mask, [box.astype(np.int32)], (1,))
        covered.append(mask.reshape(rows, CELL, columns, CELL).mean((1, 3)))
    written = covered[0] > _WRITTEN
    known = written | ((covered[0] == 0) & (covered[1] == 0))
    return written.astype(np.float32), known.astype(np.float32), (covered[0] > 0).astype(np.float32)


def arrays_of(network: nn.Sequential) -> dict[str, NDArray[np.floating]]:
    """The network's numbers as likelihood.npz has them: normalization and the levels' scale are in the weights."""
    arrays: dict[str, NDArray[np.floating]] = {}
    layers = list(network)
    for layer in range(len(CHANNELS)):
        convolution, norm = layers[3 * layer], layers[3 * layer + 1]
        assert isinstance(convolution, nn.Conv2d)
        weights, bias = convolution.weight, convolution.bias
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_var is not None and norm.running_mean is not None
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            weights, bias = weights * scale[:, None, None, None], norm.bias - norm.running_mean * scale
        assert bias is not None
        weights = weights.permute(2, 3, 1, 0).flatten(0, 2)
        if layer == 0:
            weights = weights / 255
        arrays[f"weights{layer}"], arrays[f"bias{layer}"] = _halves(weights), _halves(bias)
    head = layers[-1]
    assert isinstance(head, nn.Conv2d) and head.bias is not None
    arrays[f"weights{len(CHANNELS)}"] = _halves(head.weight[:, :, 0, 0].T)
    arrays[f"bias{len(CHANNELS)}"] = _halves(head.bias)
    return arrays


def _halves(tensor: torch.Tensor) -> NDArray[np.float16]:
    """In half precision, which halves the file."""
    return np.asarray(tensor.detach().numpy(), np.float16)
