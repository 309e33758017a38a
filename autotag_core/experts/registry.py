"""The experts: each embedding space in which a GIF's neighbors vote, declared in one place.

An expert over frames names the backbone whose features it uses, and how they become a GIF's embedding. Two experts may
share a backbone: each frame passes through it once. An expert over frame features is made from them in a later stage
(temporal/). An expert over tags is fitted on the catalog (semantic/). An expert over texts embeds what was read in the
frames (text/).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from autotag_core.config import Config
from autotag_core.errors import InputError
from autotag_core.experts import backbones
from autotag_core.experts.temporal import selection
from autotag_core.experts.text import language_model as language
from autotag_core.experts.vectors import l2_normalised
from autotag_core.ocr import load_reader

if TYPE_CHECKING:
    import torch

    from autotag_core.frames import LoadedGif

Source = Literal["frames", "frame_features", "tags", "texts"]
Pool = Callable[["LoadedGif", "np.ndarray | None"], "np.ndarray | None"]
"""A GIF and its frames' features (n, d) float32 in order (None without a backbone) -> (dimension,) float32, or None
where the expert abstains."""


@dataclass(frozen=True)
class Expert:
    """A kind of embedding: where it comes from and what it needs."""

    name: str
    source: Source
    licence: str
    """The licence of the weights."""
    dimension: Callable[[Config], int]
    """Length of an embedding. Without weights it is as published, or as the settings say."""
    model_version: Callable[[Config], str | None]
    """Names the model, its weights and precision. None: known once it is fitted. InputError: weights are missing."""
    backbone: Callable[[Config], str] | None = None
    """The key in BACKBONES of the network whose frame features the expert is made from."""
    make_pool: Callable[[Config, torch.device], Pool] | None = None
    """Loads what turns features into the embedding. Experts over frames have one."""
    check: Callable[[Config], None] | None = None
    """Loads on the CPU what neither backbone nor pool loads. InputError where it is missing or wrong."""

    def has_weights(self, config: Config) -> bool:
        """Whether its weights can be read on this machine."""
        try:
            self.model_version(config)
        except InputError:
            return False
        return True


@dataclass(frozen=True)
class LoadedExpert:
    """An expert over frames, ready to compute."""

    name: str
    model_version: str
    backbone: str | None
    pool: Pool


@dataclass(frozen=True)
class FrameModels:
    """Everything one worker needs to embed frames: each backbone once, however many experts use it."""

    backbones: Mapping[str, backbones.Backbone]
    experts: tuple[LoadedExpert, ...]
    batch_size: int
    frame_size: int
    """Height and width of a frame, pixels."""
    device: torch.device
    kept: str | None = None
    """The backbone whose frame features a later stage needs. None: no stage needs any."""


def mean_of_frames(gif: LoadedGif, features: np.ndarray | None) -> np.ndarray | None:
    """L2-normalised mean over frames (d,) of features (n, d), summed in frame order in float64. None if it is zero."""
    if features is None or not len(features):
        return None
    return l2_normalised(features.astype(np.float64).mean(axis=0))


def _check_text(config: Config) -> None:
    import torch

    language.load_language_model(config.text, torch.device("cpu"))
    load_reader(config.text)


BACKBONES: dict[str, Callable[[Config, torch.device], backbones.Backbone]] = {
    "imagenet": lambda config, device: backbones.load_backbone(config.imagenet, device),
    "moments": backbones.load_moments,
}

EXPERTS = {
    expert.name: expert
    for expert in (
        Expert(
            name="imagenet",
            source="frames",
            licence="efficientnet_lite0: Apache 2.0; resnet50: BSD 3-clause; resnext101_wsl: CC BY-NC 4.0; local: the "
            "folder's own",
            dimension=lambda config: backbones.dimension(config.imagenet),
            model_version=lambda config: backbones.model_version(config.imagenet),
            backbone=lambda config: "imagenet",
            make_pool=lambda config, device: mean_of_frames,
        ),
        Expert(
            name="temporal",
            source="frame_features",
            licence="imagenet: that expert's, the head is trained on the catalog; moments: BSD 2-clause",
            dimension=selection.head_dimension,
            model_version=selection.head_version,
            backbone=lambda config: config.temporal.backbone,
        ),
        Expert(
            name="semantic",
            source="tags",
            licence="none: fitted on the catalog's own tags and sessions",
            dimension=lambda config: config.semantic.vector_size,
            model_version=lambda config: None,
        ),
        Expert(
            name="text",
            source="texts",
            licence="rapidocr and PP-OCRv6: Apache 2.0; minilm: all-MiniLM-L6-v2, Apache 2.0; gpt2: the folder's own",
            dimension=lambda config: language.dimension(config.text),
            model_version=lambda config: language.model_version(config.text),
            check=_check_text,
        ),
    )
}


def chosen_experts(config: Config, source: Source | None = None) -> list[Expert]:
    """The configured experts in their configured order: those of one source, or all."""
    return [EXPERTS[name] for name in config.experts if source in (None, EXPERTS[name].source)]


@dataclass(frozen=True)
class ExpertStatus:
    """How an expert stands under a config."""

    name: str
    chosen: bool
    """Whether it votes."""
    model_version: str | None
    """None: fitted on the catalog, or missing."""
    dimension: int
    licence: str
    missing: str | None
    """Why its weights can't be read on this machine; None: they can."""


def expert_statuses(config: Config) -> list[ExpertStatus]:
    """Every expert, chosen or not, in the order in which they are declared.

    Reads weight files, but loads no network and downloads nothing.
    """
    statuses = []
    for expert in EXPERTS.values():
        version, missing = None, None
        try:
            version = expert.model_version(config)
        except InputError as error:
            missing = str(error)
        chosen = expert.name in config.experts
        statuses.append(ExpertStatus(expert.name, chosen, version, expert.dimension(config), expert.licence, missing))
    return statuses
