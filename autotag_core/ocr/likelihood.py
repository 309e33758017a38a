"""How likely words are in a frame: a small convolutional network that looks for strokes, applied with numpy.

Six convolutions turn a frame into a map of scores, a cell for 16 x 16 pixels; the frame's score is the largest. The
network learned from what OCR itself reads: `python -m benchmarks.text_likelihood` fits it and writes likelihood.npz.
"""

from __future__ import annotations

import functools
import hashlib
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from autotag_core.errors import InputError
from autotag_core.ocr.pictures import Pixels, shrunk

Floats = NDArray[np.float32]

PATH = Path(__file__).with_name("likelihood.npz")
CELL = 16
"""Pixels of a cell's side: the product of the strides."""
STRIDES = (4, 2, 1, 2, 1, 1)
"""Of the convolutions. The first takes 4 x 4 pixels that do not overlap, the others 3 x 3."""
MAX_SIDE = 256
"""A larger frame is shrunk to this before it is judged, pixels: the small letters of a subtitle still have strokes."""
GREY = 127.5
"""The level that counts as nothing; what lies beyond a frame's rim has it."""
_MARGIN = 1.5
"""Cells around those that reach the threshold: a line goes on where its letters are less certain."""
_ROWS = 8
"""Rows of a map that are computed at a time, so that they stay in the processor's cache."""


class Network(NamedTuple):
    """The fitted numbers."""

    weights: tuple[Floats, ...]
    """One array for each convolution, (rows x columns x channels in, channels out); last the head's, (channels, 1)."""
    biases: tuple[Floats, ...]
    """(channels out,) each."""
    threshold: float
    """A frame with a lower score is not read."""
    sure: float
    """A frame with this score is read without another look."""


class Likely(NamedTuple):
    """What the network says of a frame."""

    score: float
    """The largest of its cells; no unit."""
    top: int
    bottom: int
    left: int
    right: int
    """Rows and columns of pixels, the ends excluded: where the cells lie that reach the threshold."""


def judge(frame: Pixels, network: Network) -> Likely:
    """How likely words are in a frame (h, w, 3) blue, green, red; and where, which is nowhere below the threshold."""
    small = shrunk(frame, MAX_SIDE)
    scores = score_map(small, network)
    rows, columns = np.nonzero(scores >= network.threshold)
    if not len(rows):
        return Likely(float(scores.max()), 0, 0, 0, 0)
    scale = CELL * max(frame.shape[:2]) / max(small.shape[:2])
    top, left = (int(scale * (cells.min() - _MARGIN)) for cells in (rows, columns))
    bottom, right = (int(scale * (cells.max() + 1 + _MARGIN)) for cells in (rows, columns))
    return Likely(
        float(scores.max()), max(0, top), min(frame.shape[0], bottom), max(0, left), min(frame.shape[1], right)
    )


def score_map(frame: Pixels, network: Network) -> Floats:
    """The scores of a frame's cells, (ceil(h / 16), ceil(w / 16))."""
    maps = _patches(frame, network.weights[0], network.biases[0])
    for weights, bias, stride in zip(network.weights[1:-1], network.biases[1:-1], STRIDES[1:], strict=True):
        maps = _convolved(maps, weights, bias, stride)
    return np.asarray((maps @ network.weights[-1])[:, :, 0] + network.biases[-1][0], np.float32)


def _patches(frame: Pixels, weights: Floats, bias: Floats) -> Floats:
    """The first convolution: each 4 x 4 pixels by themselves. (h, w, 3) -> (4 * cells, 4 * cells, channels)."""
    height, width = frame.shape[:2]
    step = STRIDES[0]
    columns = -(-width // CELL) * CELL // step
    found = np.empty((-(-height // CELL) * CELL // step, columns, len(bias)), np.float32)
    rows = CELL // step
    levels = np.zeros((CELL, columns * step, 3), np.float32)
    patches = np.empty((rows, columns, step, 3 * step), np.float32)
    for top in range(0, len(found), rows):
        part = frame[top * step : top * step + CELL]
        np.subtract(part, GREY, out=levels[: len(part), :width], dtype=np.float32)
        levels[len(part) :] = 0
        patches[:] = levels.reshape(rows, step, columns, 3 * step).transpose(0, 2, 1, 3)
        sums = patches.reshape(rows * columns, -1) @ weights + bias
        np.maximum(sums.reshape(rows, columns, -1), 0, out=found[top : top + rows])
    return found


def _convolved(maps: Floats, weights: Floats, bias: Floats, stride: int) -> Floats:
    """A 3 x 3 convolution, zeros around it, and what is below 0 cut off. (h, w, c) -> (h / stride, w / stride, d)."""
    height, width, channels = maps.shape
    padded = np.zeros((height + 2, width + 2, channels), np.float32)
    padded[1:-1, 1:-1] = maps
    windows = sliding_window_view(padded, (3, 3), (0, 1))[::stride, ::stride].transpose(0, 1, 3, 4, 2)
    found = np.empty((*windows.shape[:2], len(bias)), np.float32)
    for top in range(0, len(found), _ROWS):
        part = np.ascontiguousarray(windows[top : top + _ROWS])
        sums = part.reshape(-1, 9 * channels) @ weights + bias
        np.maximum(sums.reshape(*part.shape[:2], -1), 0, out=found[top : top + _ROWS])
    return found


@functools.cache
def load_network(path: Path = PATH) -> Network:
    """The network that was shipped. InputError where its file is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            layers = range(len(STRIDES) + 1)
            weights = tuple(arrays[f"weights{layer}"].astype(np.float32) for layer in layers)
            biases = tuple(arrays[f"bias{layer}"].astype(np.float32) for layer in layers)
            network = Network(weights, biases, float(arrays["threshold"]), float(arrays["sure"]))
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from None
    wrong = _wrong(network)
    if wrong:
        raise _damaged(path, wrong)
    return network


def _wrong(network: Network) -> str | None:
    """What is wrong with the arrays, None where they fit each other."""
    channels = 3
    for layer, (weights, bias) in enumerate(zip(network.weights, network.biases, strict=True)):
        window = 1 if layer == len(STRIDES) else 16 if layer == 0 else 9
        if weights.ndim != 2 or bias.ndim != 1 or weights.shape != (window * channels, len(bias)):
            return f"weights{layer} has the shape {weights.shape}"
        if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
            return f"weights{layer} or bias{layer} is not finite"
        channels = len(bias)
    if channels != 1 or not -np.inf < network.threshold <= network.sure < np.inf:
        return "the head, threshold or sure is wrong"
    return None


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"text: {path} can't be loaded ({reason[:150]}); install autotag anew")


@functools.cache
def network_version(path: Path = PATH) -> str:
    """The first hex digits of the file's sha256."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:6]
    except OSError as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from None
