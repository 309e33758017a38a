"""Backbones: networks that turn frames into features. Loading this needs no torch; computing does."""

from autotag_core.experts.backbones.backends import decided
from autotag_core.experts.backbones.moments import HEAD_DIMENSION as MOMENTS_HEAD_DIMENSION
from autotag_core.experts.backbones.moments import load_moments, load_moments_head
from autotag_core.experts.backbones.moments import model_version as moments_version
from autotag_core.experts.backbones.networks import Backbone, dimension, load_backbone, model_version

__all__ = [
    "MOMENTS_HEAD_DIMENSION",
    "Backbone",
    "decided",
    "dimension",
    "load_backbone",
    "load_moments",
    "load_moments_head",
    "model_version",
    "moments_version",
]
