"""Experts: how a GIF becomes an embedding in each space. Loading this needs no torch; computing does."""

from autotag_core.experts.backbones import Backbone, load_backbone
from autotag_core.experts.devices import choose_device
from autotag_core.experts.frames.inference import Embedding, Outcome, embed_gifs
from autotag_core.experts.loading import check_experts, load_frame_models, model_versions, settled
from autotag_core.experts.registry import (
    BACKBONES,
    EXPERTS,
    Expert,
    ExpertStatus,
    FrameModels,
    LoadedExpert,
    chosen_experts,
    expert_statuses,
    mean_of_frames,
)
from autotag_core.experts.semantic.tag_space import TagSpace, load_tag_space, save_tag_space, sif_weights, tokens_of
from autotag_core.experts.temporal import (
    HeadRecord,
    RelationHead,
    load_head,
    pack_features,
    save_head,
    unpack_features,
)
from autotag_core.experts.temporal.selection import backbone_version, given_head, trained_head_name
from autotag_core.experts.text.language_model import LanguageModel, load_language_model
from autotag_core.experts.vectors import l2_normalised
from autotag_core.experts.weight_files import convert_state_dict, read_metadata, read_weights, write_weights

__all__ = [
    "BACKBONES",
    "EXPERTS",
    "Backbone",
    "Embedding",
    "Expert",
    "ExpertStatus",
    "FrameModels",
    "HeadRecord",
    "LanguageModel",
    "LoadedExpert",
    "Outcome",
    "RelationHead",
    "TagSpace",
    "backbone_version",
    "check_experts",
    "choose_device",
    "chosen_experts",
    "convert_state_dict",
    "embed_gifs",
    "expert_statuses",
    "given_head",
    "l2_normalised",
    "load_backbone",
    "load_frame_models",
    "load_head",
    "load_language_model",
    "load_tag_space",
    "mean_of_frames",
    "model_versions",
    "pack_features",
    "read_metadata",
    "read_weights",
    "save_head",
    "save_tag_space",
    "settled",
    "sif_weights",
    "tokens_of",
    "trained_head_name",
    "unpack_features",
    "write_weights",
]
