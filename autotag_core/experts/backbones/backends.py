"""Which library computes a network: torch on a GPU, onnxruntime on a CPU, where it is four times as fast as torch."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from autotag_core.config import ImagenetConfig
from autotag_core.errors import AutotagError, InputError, NotConvertedError
from autotag_core.experts.backbones.onnx_models import Wanted, load_onnx

if TYPE_CHECKING:
    import torch

Backend = Literal["torch", "onnxruntime"]

_PACKAGES = ("onnxruntime", "onnx")


def _missing() -> str:
    """The packages that conversion for onnxruntime needs and that are not installed; empty where none is missing."""
    return ", ".join(f"the package {name} is not installed" for name in _PACKAGES if find_spec(name) is None)


def backend_of(config: ImagenetConfig) -> Backend:
    """The backend of these settings. `auto` is the one for a CPU, or torch with imagenet.device=cuda.

    A job on GPUs settles `auto` before it asks (loading.settled).
    """
    if config.backend != "auto":
        return config.backend
    return "torch" if config.device == "cuda" or _is_torchs(config) or _missing() else "onnxruntime"


def how_computed(config: ImagenetConfig, precision: str) -> str:
    """The part of a model version that tells vectors of the same weights apart: backend and precision."""
    return f"{backend_of(config)}-{precision}"


def _is_torchs(config: ImagenetConfig) -> bool:
    """Whether only torch has these settings."""
    return config.precision in ("bf16", "fp16")


def decided(config: ImagenetConfig, on_gpus: bool, load: Callable[[Backend], None]) -> tuple[Backend, str]:
    """The backend for all tasks, and why it is not onnxruntime where it should be.

    `auto` is torch on GPUs, and for settings that only torch has. Else it is onnxruntime if all networks load under it
    here, and torch if not. AutotagError where torch does not have the precision that is wanted.
    """
    if config.backend != "auto":
        return config.backend, ""
    if _is_torchs(config):
        return "torch", ""
    on_gpus |= config.device == "cuda"
    why_not = "tasks have GPUs" if on_gpus else _missing()
    if not why_not:
        try:
            load("onnxruntime")
            return "onnxruntime", ""
        except NotConvertedError as error:
            why_not = str(error)
    if config.precision != "fp32":
        raise AutotagError(f"imagenet.precision is {config.precision}, for onnxruntime on CPUs, but {why_not}")
    return "torch", "" if on_gpus else why_not


def _in_torch(wanted: Wanted, device: torch.device) -> Any:
    """The network in the wanted precision. Batch norm was folded in float32 before."""
    import torch

    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[wanted.precision]
    network: Any = wanted.build().to(device, dtype).to(memory_format=torch.channels_last).requires_grad_(False)
    return lambda pixels: network(pixels.to(dtype, memory_format=torch.channels_last)).to(torch.float32)


def load_network(wanted: Wanted, config: ImagenetConfig, device: torch.device) -> Any:
    """The network on the device, computed by the settings' backend: pixels -> features (n, d), both float32 tensors.

    InputError where these settings and this device don't go together; AutotagError where it can't be converted.
    """
    backend = backend_of(config)
    if wanted.precision == "int8" and (backend == "torch" or device.type != "cpu"):
        raise InputError(
            "imagenet.precision is int8: only onnxruntime on a CPU has that; "
            "set imagenet.precision=fp32, or imagenet.device=cpu with the packages onnxruntime and onnx installed"
        )
    if wanted.precision == "fp16" and device.type == "cpu":
        raise InputError(
            "imagenet.precision is fp16, which is for GPUs, but the task has none: "
            "set imagenet.precision=bf16 or fp32, or give tasks GPUs"
        )
    if backend == "torch":
        return _in_torch(wanted, device)
    if device.type != "cpu":
        raise InputError(
            "imagenet.backend is onnxruntime, which computes on the CPU, but the task has a GPU: "
            "set imagenet.backend=auto or torch, or imagenet.device=cpu"
        )
    if find_spec("onnxruntime") is None:
        raise InputError(
            "imagenet.backend is onnxruntime, but that package is not installed on this machine: "
            "install it on all of them, or set imagenet.backend=torch"
        )
    try:
        return load_onnx(wanted, config.threads)
    except NotConvertedError as error:
        raise NotConvertedError(f"imagenet.backend is onnxruntime: {error}; set imagenet.backend=torch") from error
