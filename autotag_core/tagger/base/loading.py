"""A base ready to see frames, as a backbone of the product is: on a GPU by torch, on CPUs by onnxruntime."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from autotag_core.config import Config
from autotag_core.errors import NotConvertedError
from autotag_core.experts.backbones.backends import load_network
from autotag_core.experts.backbones.forms import normalised
from autotag_core.experts.backbones.networks import Backbone, make_repeatable
from autotag_core.experts.backbones.onnx_models import Wanted
from autotag_core.experts.backbones.probes import drawn_frames
from autotag_core.experts.registry import FrameModels

if TYPE_CHECKING:
    import torch

    from autotag_core.tagger.base.networks import BaseNetwork

NAME = "base"


def frame_models(base: BaseNetwork, version: str, config: Config, threads: int) -> FrameModels:
    """What `embed_gifs` takes to give each frame's features by the base. `version` names its weights."""
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    make_repeatable(threads, device)
    backend = "torch" if device.type == "cuda" else config.imagenet.backend
    settings = config.imagenet.model_copy(update={"threads": threads, "backend": backend, "precision": "fp32"})

    def draw(num_frames: int) -> torch.Tensor:
        return normalised(drawn_frames(num_frames, config.frames.size), base.form)

    wanted = Wanted(NAME, version, lambda: copy.deepcopy(base.network).eval(), draw)
    try:
        network = load_network(wanted, settings, device)
    except NotConvertedError:
        network = load_network(wanted, settings.model_copy(update={"backend": "torch"}), device)
    batch = config.imagenet.gpu_batch if device.type == "cuda" else config.imagenet.cpu_batch
    backbone = Backbone(network, base.form, version, device)
    return FrameModels({NAME: backbone}, (), batch, config.frames.size, device, NAME)
