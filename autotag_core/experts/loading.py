"""From a config to networks ready to compute: one backend for the whole job, each network once per process."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

from autotag_core.config import Config
from autotag_core.errors import InputError
from autotag_core.experts import backbones
from autotag_core.experts.frames.memory import loaded_on_device
from autotag_core.experts.registry import BACKBONES, FrameModels, LoadedExpert, chosen_experts

if TYPE_CHECKING:
    import torch

MAX_BATCH_BYTES = 64 * 2**20
"""Bytes of decoded frames in one forward pass. Their activations take a hundred times that."""

_log = logging.getLogger(__name__)


def settled(config: Config, on_gpus: bool = False) -> Config:
    """The config with imagenet.backend decided once for all tasks: embeddings of different backends must not mix.

    backbones.decided decides; a fall back to torch is a warning. Networks that are not in the cache are converted,
    which takes seconds. InputError where only a GPU has the precision, and tasks have no GPU.
    """
    if config.imagenet.precision == "fp16" and not on_gpus and config.imagenet.device != "cuda":
        raise InputError(
            "imagenet.precision is fp16, which is for GPUs, but Spark gives tasks none: "
            "set spark.task.resource.gpu.amount, or imagenet.precision=bf16 or fp32"
        )
    found, why_not = _settle(config, on_gpus)
    if why_not:
        _log.warning("frames are embedded by torch, at a fraction of the speed: %s", why_not)
    return found


def _settle(config: Config, on_gpus: bool = False) -> tuple[Config, str]:
    names = _backbone_names(config)

    def load(backend: str) -> None:
        _load_on_cpu(_with_backend(config, backend), names)

    backend, why_not = backbones.decided(config.imagenet, on_gpus, load)
    return _with_backend(config, backend), why_not


def _with_backend(config: Config, backend: str) -> Config:
    return config.model_copy(update={"imagenet": config.imagenet.model_copy(update={"backend": backend})})


def _backbone_names(config: Config) -> list[str]:
    """Keys in BACKBONES of the networks that the chosen experts need, each once."""
    names = [expert.backbone(config) for expert in chosen_experts(config) if expert.backbone is not None]
    return list(dict.fromkeys(names))


def _load_on_cpu(config: Config, names: list[str]) -> None:
    import torch

    if config.imagenet.precision != "int8":  # fp32 shows whether the weights fit, whatever precision is chosen
        config = config.model_copy(update={"imagenet": config.imagenet.model_copy(update={"precision": "fp32"})})
    for name in names:
        BACKBONES[name](config, torch.device("cpu"))


def check_experts(config: Config) -> dict[str, str]:
    """Model version of each configured expert, without fitted ones. InputError where weights are missing or wrong.

    Loads the networks once on the CPU. That takes the driver a second; a worker would fail only after minutes.
    """
    wanted = config.imagenet.backend
    config, _ = _settle(config)
    if (wanted, config.imagenet.backend) != ("auto", "onnxruntime"):  # this choice was made by loading them
        _load_on_cpu(config, _backbone_names(config))
    for expert in chosen_experts(config):
        if expert.check is not None:
            expert.check(config)
    return model_versions(config)


def model_versions(config: Config) -> dict[str, str]:
    """Model version of each configured expert, without fitted ones. InputError where there are no weights."""
    versions = {expert.name: expert.model_version(config) for expert in chosen_experts(config)}
    return {name: version for name, version in versions.items() if version is not None}


@functools.lru_cache(maxsize=2)
def load_frame_models(config: Config, device: torch.device) -> FrameModels:
    """The configured experts over frames, loaded once per process and kept for its later tasks.

    Of an expert over frame features only its backbone is loaded. AutotagError where a network does not fit the GPU's
    memory. Tasks are given a settled config; any other config is settled here.
    """
    config = settled(config, on_gpus=device.type == "cuda")
    loaded, shared, kept = [], {}, None
    for expert in chosen_experts(config):
        backbone = expert.backbone(config) if expert.backbone is not None else None
        if backbone is not None and backbone not in shared:
            shared[backbone] = loaded_on_device(functools.partial(BACKBONES[backbone], config, device), backbone)
        if expert.source == "frame_features":
            kept = backbone
        if expert.source != "frames":
            continue
        version = expert.model_version(config)
        if expert.make_pool is None or version is None:
            raise NotImplementedError(f"expert {expert.name} works on frames but declares no pool or no model version")
        loaded.append(LoadedExpert(expert.name, version, backbone, expert.make_pool(config, device)))
    batch_size = config.imagenet.gpu_batch if device.type == "cuda" else config.imagenet.cpu_batch
    largest = max(1, MAX_BATCH_BYTES // (3 * config.frames.size**2))
    return FrameModels(shared, tuple(loaded), min(batch_size, largest), config.frames.size, device, kept)
