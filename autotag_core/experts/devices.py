"""The device a task computes on: the one that Spark assigned to it, never one that happens to be visible."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from autotag_core.errors import InputError

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)


def choose_device(
    wanted: str, gpu_addresses: Sequence[str], num_visible: int | None = None, visible: str | None = None
) -> torch.device:
    """The torch device for a task with these GPU addresses (TaskContext's resources()["gpu"].addresses).

    `auto` without an address is the CPU. With an address but no device that CUDA sees (no driver, or an address that
    was only declared) it is the CPU too, with a warning. `cuda` is an InputError in both cases. Of several addresses
    the first is used. An address is a GPU's index as nvidia-smi prints it. Where `visible` (CUDA_VISIBLE_DEVICES)
    lists it, torch counts by its position there. num_visible and visible default to what this process sees.
    """
    import torch

    if wanted == "cpu":
        return torch.device("cpu")
    if not gpu_addresses:
        if wanted == "cuda":
            raise InputError(
                "imagenet.device is cuda, but Spark assigned no GPU to the task: "
                "set spark.executor.resource.gpu.amount and spark.task.resource.gpu.amount, or imagenet.device=auto"
            )
        return torch.device("cpu")
    num_visible = torch.cuda.device_count() if num_visible is None else num_visible
    visible = os.environ.get("CUDA_VISIBLE_DEVICES") if visible is None else visible
    if num_visible == 0:
        message = f"Spark assigned GPU {gpu_addresses[0]}, but CUDA sees no device on this machine"
        if wanted == "cuda":
            raise InputError(f"imagenet.device is cuda: {message}; check its driver, or set imagenet.device=auto")
        _log.warning("%s: computing on the CPU", message)
        return torch.device("cpu")
    return torch.device("cuda", _cuda_index(gpu_addresses[0], num_visible, visible))


def _cuda_index(address: str, num_visible: int, visible: str | None) -> int:
    listed = [entry.strip() for entry in (visible or "").split(",") if entry.strip()]
    if address in listed:
        return listed.index(address)
    if address.isdecimal() and int(address) < num_visible:
        return int(address)
    raise InputError(
        f"Spark assigned GPU {address!r}, but CUDA sees {num_visible} device(s) (CUDA_VISIBLE_DEVICES={visible}): "
        "the discovery script must print indices below that, or entries of CUDA_VISIBLE_DEVICES"
    )
