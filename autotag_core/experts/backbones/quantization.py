"""int8 arithmetic for most blocks of efficientnet_lite0, those that bear it, with ranges from drawn frames."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from autotag_core import storage

if TYPE_CHECKING:
    import torch

    from autotag_core.experts.backbones.probes import Draw

_NUM_FRAMES = 40
_FRAMES_AT_ONCE = 4

# Measured one by one (benchmarks/README.md): the stem and blocks 0 to 3 lose most; 8 and 11 lose more than they save.
_NODES = re.compile(r"/(_blocks\.(4|5|6|7|9|10|12|13|14|15)|_conv_head|_swish_1)/")


def quantised(model: bytes, draw: Draw) -> bytes:
    """An efficientnet_lite0 in ONNX with int8 convolutions: per-channel weights, uint8 activations between them.

    Residual sums, the stem, blocks that lose too much and the mean over positions stay in float32. Drawn frames give
    each activation its range.
    """
    import onnx
    from onnxruntime import quantization

    with tempfile.TemporaryDirectory(prefix=storage.SCRATCH) as folder, _log_left_alone():
        source, target = Path(folder) / "fused.onnx", Path(folder) / "int8.onnx"
        _fuse_padding(model, source)
        nodes = [node.name for node in onnx.load(source).graph.node if node.op_type in ("Conv", "Clip")]
        chosen = [name for name in nodes if _NODES.search(name)]
        if not chosen or len(chosen) == len(nodes):
            raise ValueError("its layers have other names than those of efficientnet_lite0")
        quantization.quantize_static(
            source,
            target,
            _Frames(draw(_NUM_FRAMES)),
            op_types_to_quantize=["Conv", "Clip"],
            nodes_to_quantize=chosen,
            per_channel=True,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
        return target.read_bytes()


@contextmanager
def _log_left_alone() -> Iterator[None]:
    """Leave the root logger as it was: the quantiser gives it a handler, and every later line would come twice."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    try:
        yield
    finally:
        root.handlers[:] = handlers


def _fuse_padding(model: bytes, path: Path) -> None:
    """Write the model with padding inside its convolutions and constants computed; the quantiser needs it so."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    fused = onnx.load(path)
    onnx.helper.set_model_props(fused, {"onnx.quant.pre_process": "onnxruntime.quant"})  # else it advises to do so
    onnx.save(fused, path)


class _Frames:
    """Batches of frames in the form that the quantiser reads."""

    def __init__(self, pixels: torch.Tensor) -> None:
        self._batches: Iterator[np.ndarray] = iter(
            np.split(pixels.contiguous().numpy(), len(pixels) // _FRAMES_AT_ONCE)
        )

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch, keyed by the model's input; None at the end."""
        batch = next(self._batches, None)
        return None if batch is None else {"pixels": batch}
