"""The network over a GIF's frame features: one embedding, and a logit for each class."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from autotag_core.tagger.aggregators import SEQUENCES, WIDTH, FrameProjection, masked_mean
from autotag_core.tagger.experiment import Experiment

_EDGE = 1e-6
"""A mean of predictions stays so far from 0 and 1, where its logit is infinite."""


class TaggerHead(nn.Module):
    """Features (n, t, d) and mask (n, t) in, logits (n, c) out. Masked frames never count.

    `mean_features`: the mean over frames, of length 1, as the `imagenet` embeddings are. `mean_predictions`: each frame
    alone, then the mean of their probabilities. The others add to the mean what a sequence network sees in how frames
    differ from it: so they start from all that the mean knows.
    """

    def __init__(self, dimension: int, num_classes: int, experiment: Experiment) -> None:
        super().__init__()
        self.center: torch.Tensor
        self.spread: torch.Tensor
        self.aggregator = experiment.aggregator
        self.register_buffer("center", torch.zeros(dimension))
        self.register_buffer("spread", torch.ones(()))
        self.dropout = nn.Dropout(experiment.dropout)
        self.hidden = nn.Linear(dimension, experiment.hidden) if experiment.hidden else None
        width = experiment.hidden or dimension
        if self.aggregator in SEQUENCES:
            self.projection = FrameProjection(dimension)
            self.sequence = SEQUENCES[self.aggregator]()
            width += WIDTH
        self.classes = nn.Linear(width, num_classes)
        nn.init.zeros_(self.classes.weight)

    @torch.no_grad()
    def start_from(self, features: torch.Tensor, mask: torch.Tensor, shares: torch.Tensor) -> None:
        """Take the scale of train GIFs' features, and each class's share (c,) as what is predicted before learning."""
        means = self._mean(features, mask)
        self.center.copy_(means.mean(dim=0))
        self.spread.copy_((means - self.center).square().mean().sqrt().clamp(min=_EDGE))
        self.classes.bias.copy_(torch.logit(shares.clamp(1e-3, 0.5)))
        if self.aggregator in SEQUENCES:
            self.projection.start_from(features, mask)

    def embed(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The layer before the classes (n, e)."""
        if self.aggregator == "mean_predictions":
            return masked_mean(self._shown(functional.normalize(features, dim=-1)), mask)
        shown = self._shown(self._mean(features, mask))
        if self.aggregator not in SEQUENCES:
            return shown
        projected = self.projection(functional.normalize(features, dim=-1), mask)
        return torch.cat([shown, self.sequence(projected, mask)], dim=1)

    def forward(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits (n, c)."""
        if self.aggregator != "mean_predictions":
            return self.classes(self.dropout(self.embed(features, mask)))
        shown = self._shown(functional.normalize(features, dim=-1))
        chances = masked_mean(self.classes(self.dropout(shown)).sigmoid(), mask)
        return torch.logit(chances.clamp(_EDGE, 1 - _EDGE))

    def frame_logits(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits (n, t, c) that a GIF of each frame alone would have: which frames speak for a class."""
        num, frames, dimension = features.shape
        alone = features.reshape(num * frames, 1, dimension)
        return self(alone, mask.reshape(-1, 1)).reshape(num, frames, -1)

    def _mean(self, features: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return functional.normalize(masked_mean(features.float(), mask), dim=-1)

    def _shown(self, vectors: torch.Tensor) -> torch.Tensor:
        """Vectors of length 1 (..., d) -> what frames show (..., e)."""
        scaled = (vectors - self.center) / self.spread
        return scaled if self.hidden is None else self.hidden(self.dropout(scaled)).relu()
