"""Which head the settings of the `temporal` expert mean: a given one, or the one that the job trains.

__init__ does not export this: the published backbone is built from the heads that __init__ exports.
"""

from __future__ import annotations

import hashlib
import json

from autotag_core.config import Config
from autotag_core.errors import InputError
from autotag_core.experts.backbones import MOMENTS_HEAD_DIMENSION, load_moments_head, model_version, moments_version
from autotag_core.experts.temporal.heads import RelationHead, load_head

RECIPE = 2
"""Goes up whenever training.py, or what it is given, changes. A head of another recipe is not used again."""


def backbone_version(config: Config) -> str:
    """Model version of the network whose frame features are used. InputError where its weights are missing."""
    if config.temporal.backbone == "moments":
        return moments_version(config)
    return model_version(config.imagenet)


def given_head(config: Config) -> RelationHead | None:
    """The head of temporal.weights, or the published one of the backbone `moments`. None: the job trains one.

    InputError where its file is missing or wrong, or it was made for features of another network.
    """
    if config.temporal.weights is not None:
        head = load_head(config.temporal.weights)
    elif config.temporal.backbone == "moments":
        head = load_moments_head(config)
    else:
        return None
    head.check_backbone(backbone_version(config))
    return head


def head_version(config: Config) -> str | None:
    """Model version of a given head. None: the job trains one. InputError: its or its backbone's file is missing."""
    head = given_head(config)
    if head is None:
        backbone_version(config)
        return None
    return head.version


def head_dimension(config: Config) -> int:
    """Length of an embedding of the given head. Where that can't be read: of the published one, or by the settings."""
    try:
        head = given_head(config)
    except InputError:
        if config.temporal.weights is None and config.temporal.backbone == "moments":
            return MOMENTS_HEAD_DIMENSION
        head = None
    return head.dimension if head is not None else (config.temporal.num_segments - 1) * config.temporal.bottleneck


def trained_head_name(config: Config) -> str:
    """`temporal-<12 hex digits>.safetensors`: a hash of all that a trained head depends on but the catalog.

    That is the backbone and its weights, how frames are made, the head's shape, the seed and RECIPE.
    """
    wanted = (
        backbone_version(config),
        config.frames.model_dump(include={"num_frames", "sampling", "size", "background"}),
        config.temporal.values("num_segments", "bottleneck", "max_relations", "projection", "max_training_gifs"),
        config.seed,
        RECIPE,
    )
    return f"temporal-{hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:12]}.safetensors"
