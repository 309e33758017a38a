"""Every choice of one training as a frozen record. It belongs to the experiment; the night has no setting of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from autotag_core.config.section import PositiveCount, Seed

Targets = Literal["probability", "published", "raw"]
Aggregator = Literal["mean_predictions", "mean_features", "mlp", "conv1d", "gru", "transformer"]
Share = Annotated[float, Field(ge=0, le=1)]
Rate = Annotated[float, Field(gt=0, le=1)]

OVER_MEANS: tuple[Aggregator, ...] = ("mean_features",)
"""Aggregators that need no frame: the embeddings of the release hold each GIF's mean."""


class Experiment(BaseModel):
    """What is trained on what, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    targets: Targets = "probability"
    """What a train GIF is taught. `probability`: the calibrated probability of each tag that the vote considered.
    `published`: the confidences of the published rule. `raw`: the uploaders' tags, each 1."""
    aggregator: Aggregator = "mean_features"
    """How a GIF's frames become one prediction."""
    base: str | None = None
    """A network over frames whose last blocks learn too: `release`, the release's own backbone, or the name of a model
    of torchvision, such as mobilenet_v2. None: the head alone learns, on features that are stored."""
    base_weights: str | None = None
    """Its weights where it is torchvision's: path of a .safetensors state dict. Nothing is downloaded."""
    trained_blocks: PositiveCount = 2
    """How many of its last blocks learn. More than there are: all."""
    base_rate: Rate = 0.1
    """The base learns at so many times learning_rate."""
    tune_epochs: PositiveCount = 5
    """Passes over the train clips."""
    clip_frames: Annotated[int, Field(ge=1, le=64)] = 8
    """Frames of a GIF in a clip of such a pass."""
    clip_batch: PositiveCount = 8
    """Clips in a step of one process."""
    processes: PositiveCount = 1
    """That share such a pass: GPUs, or processes on CPUs (gloo)."""
    hidden: Annotated[int, Field(ge=0, le=8192)] = 0
    """Numbers of the layer before the classes. 0: the classes are linear in the aggregated features."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.2
    """Share of the numbers before the classes that a step of training leaves out."""
    loss: Literal["bce", "asymmetric", "focal"] = "bce"
    """Each takes soft targets."""
    unlabeled_weight: Share = 1.0
    """How much a tag counts as wrong of a GIF that nobody gave it to. 1: like a tag that is known to be wrong."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced`: what a class's GIFs teach counts more the fewer they are, at most tenfold."""
    min_examples: PositiveCount = 5
    """A label with fewer train examples is no class."""
    student: bool = False
    """Whether the model is pre-trained on what a teacher, trained first, says of GIFs without labels."""
    learning_rate: Rate = 1e-3
    """AdamW's."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.02
    """AdamW's."""
    batch_size: PositiveCount = 64
    """GIFs in a step."""
    max_epochs: PositiveCount = 80
    """Passes over the train examples, at most."""
    patience: PositiveCount = 10
    """Training stops when so many epochs have passed without a better mAP on validation GIFs."""
    target_precision: Share = 0.8
    """Share of right tags that the thresholds of accepted tags aim at."""
    threads: PositiveCount = 2
    """Of the backbone, where features of frames have to be computed."""
    seed: Seed = 7
    """Of first weights, order and dropout."""

    @property
    def needs_frames(self) -> bool:
        """Whether it needs the features of each frame, not only those of the mean."""
        return self.aggregator not in OVER_MEANS
