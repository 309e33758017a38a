"""Networks under onnxruntime: exported from the loaded torch weights, kept in the user's cache, checked on each load.

Nothing is downloaded. Only what `convert` makes of a network is kept: the model, a few frames, and the features that
torch gives for them. Every process that loads the model checks that it gives these features again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from autotag_core import storage
from autotag_core.errors import NotConvertedError
from autotag_core.experts.backbones.probes import Draw

if TYPE_CHECKING:
    import torch

Precision = Literal["fp32", "int8", "bf16", "fp16"]

LEAST_COSINE = {"fp32": 0.9999, "int8": 0.99}
"""Between a probe's features and torch's. Less means a wrong conversion, or a CPU whose int8 arithmetic saturates."""
RECIPE = 2
"""Goes up whenever `convert` makes something else of the same weights."""
_OPSET = 17
_NUM_PROBES = 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """A network that some backend shall compute: `build` makes it in torch, from pixels to features (n, d)."""

    name: str
    weights_sha256: str
    build: Callable[[], torch.nn.Module]
    draw: Draw
    precision: Precision = "fp32"
    """onnxruntime has fp32 and int8; torch has all but int8."""

    @property
    def file_name(self) -> str:
        """The converted model's file name. It names all that the model depends on."""
        import onnxruntime
        import torch

        parts = (self.weights_sha256, onnxruntime.__version__, torch.__version__, RECIPE)
        return f"{self.name}-{self.precision}-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]}.npz"


@dataclass(frozen=True)
class Converted:
    """A model in ONNX, and what torch gives: features (n, d) of the pixels (n, 3, height, width)."""

    model: bytes
    pixels: np.ndarray
    features: np.ndarray


class OnnxNetwork:
    """A model ready to compute on the CPU."""

    def __init__(self, model: bytes, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other tasks need the cores too
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Features (n, d) of pixels (n, 3, height, width), both float32."""
        import torch

        return torch.from_numpy(self._session.run(None, {"pixels": pixels.contiguous().numpy()})[0])


def load_onnx(wanted: Wanted, threads: int) -> OnnxNetwork:
    """The network from the cache; or converted, and kept there where that can be written. NotConvertedError."""
    folder = cache_folder()
    path = folder / wanted.file_name if folder is not None else None
    kept = _read(path) if path is not None else None
    if kept is not None:
        try:
            return _checked(kept, wanted, threads)
        except NotConvertedError as error:
            _log.warning("%s: made anew: %s", path, error)
    made = convert(wanted)
    network = _checked(made, wanted, threads)
    if path is not None:
        _keep(made, path)
    return network


def convert(wanted: Wanted) -> Converted:
    """Export the network and, for int8, quantise it; takes seconds. NotConvertedError says what stood in the way."""
    import torch

    network, pixels = wanted.build().eval(), wanted.draw(_NUM_PROBES).contiguous()
    try:
        with torch.no_grad():
            features = network(pixels).numpy()
            model = _exported(network, pixels)
        if wanted.precision == "int8":
            from autotag_core.experts.backbones.quantization import quantised

            model = quantised(model, wanted.draw)
    except Exception as error:  # exporter and quantiser raise errors of any class
        raise NotConvertedError(f"{wanted.name} can't be converted for onnxruntime: {_first_line(error)}") from error
    return Converted(model, pixels.numpy(), features)


def _exported(network: torch.nn.Module, pixels: torch.Tensor) -> bytes:
    """The network in ONNX, for any number of frames of any size.

    The TorchScript exporter makes it. The newer one gives the same graph, but takes 15 s instead of 1 and needs two
    more packages.
    """
    import torch

    with tempfile.TemporaryDirectory(prefix=storage.SCRATCH) as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns that there is another exporter
        path = Path(folder) / "exported.onnx"
        torch.onnx.export(
            network,
            (pixels,),
            path,
            dynamo=False,
            opset_version=_OPSET,
            input_names=["pixels"],
            output_names=["features"],
            dynamic_axes={"pixels": {0: "frames", 2: "height", 3: "width"}, "features": {0: "frames"}},
        )
        return path.read_bytes()


def _checked(converted: Converted, wanted: Wanted, threads: int) -> OnnxNetwork:
    """The loaded model, once it gave the features that torch gives; NotConvertedError where it does not."""
    import torch

    try:
        network = OnnxNetwork(converted.model, threads)
        found = network(torch.from_numpy(converted.pixels)).numpy()
    except Exception as error:  # onnxruntime has a dozen exceptions without a common base
        raise NotConvertedError(f"{wanted.name} does not run under onnxruntime: {_first_line(error)}") from error
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(converted.features, axis=1)
    cosine = float(((found * converted.features).sum(axis=1) / lengths).min())
    if not cosine >= LEAST_COSINE[wanted.precision]:
        raise NotConvertedError(
            f"{wanted.name} in {wanted.precision} under onnxruntime gives other features than torch on this machine "
            f"(cosine {cosine:.5f}, it must be {LEAST_COSINE[wanted.precision]})"
        )
    return network


def cache_folder() -> Path | None:
    """Where this user's converted models are kept: in XDG_CACHE_HOME, else in ~/.cache. None: there is no home."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:
        return None
    return cache / "autotag" / "backbones"


def _read(path: Path) -> Converted | None:
    """The model that the file holds. None where there is no file or it is damaged: each part has a checksum."""
    try:
        with np.load(path, allow_pickle=False) as parts:
            return Converted(parts["model"].tobytes(), parts["pixels"], parts["features"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        _log.warning("%s can't be read, it is made anew: %s", path, _first_line(error))
        return None


def _keep(made: Converted, path: Path) -> None:
    """Write the file. It appears only when whole, even if others write it too. A failure is only a warning."""
    parts: dict[str, Any] = {"model": np.frombuffer(made.model, np.uint8)}
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, pixels=made.pixels, features=made.features, **parts)
        Path(partial).replace(path)
    except OSError as error:
        _log.warning("%s can't be kept, each process makes it anew: %s", path, error.strerror)
        if partial is not None:
            Path(partial).unlink(missing_ok=True)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), "") or type(error).__name__
