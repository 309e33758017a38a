"""The multi-scale temporal relation network: what a few frames say by their order.

Zhou, Andonian, Oliva, Torralba, "Temporal Relational Reasoning in Videos", ECCV 2018. Loading this needs torch, so
__init__ does not export it.
"""

from __future__ import annotations

import functools
from itertools import combinations
from math import comb

import numpy as np
import torch

Relation = tuple[int, ...]
"""Segments in order, each at most once."""

MAX_SEGMENTS = 16  # 16 segments have 12,870 relations of 8; 32 segments have 601 million of 16


def sample_segments(num_frames: int, num_segments: int) -> np.ndarray:
    """The frame of each segment, ascending (m,): i_j = floor((2 j + 1) n / (2 m)), j = 0 .. m - 1.

    n frames, m segments: the middle frame of each of m equal stretches. Frames repeat where n < m.
    """
    return (2 * np.arange(num_segments) + 1) * num_frames // (2 * num_segments)


def segment_features(
    features: np.ndarray, num_segments: int, centered: bool = False, projection: np.ndarray | None = None
) -> np.ndarray:
    """What the network is given for a GIF with features (n, d): (num_segments, d), or projected (num_segments, d').

    Training and use take the same steps. Where `centered`, the mean over all of the GIF's frames is subtracted, in
    float64. Then the features are multiplied by projection (d, d'). Then sample_segments picks frames. float32.
    """
    chosen = features[sample_segments(len(features), num_segments)].astype(np.float64)
    if centered:
        chosen -= features.mean(axis=0, dtype=np.float64)
    if projection is not None:
        chosen = chosen @ projection.astype(np.float64)
    return chosen.astype(np.float32)


@functools.cache
def _every_relation(num_segments: int, scale: int) -> tuple[Relation, ...]:
    return tuple(combinations(range(num_segments), scale))


class MultiScaleRelations(torch.nn.Module):
    """Relations of num_segments, num_segments - 1, ... 2 frames, one small network a scale, largest scale first.

    The tensors have the names of the published consensus module (fc_fusion_scales.<i>.1 and .3), so a published state
    dict loads. The published code draws max_relations relations of a scale at random in every pass, also in use. Here
    they are fixed and spread over the scale's list, so that equal frames give equal features.
    """

    def __init__(
        self, feature_dim: int, num_segments: int, bottleneck: int, num_classes: int, max_relations: int = 3
    ) -> None:
        super().__init__()
        if not 2 <= num_segments <= MAX_SEGMENTS:
            raise ValueError(f"num_segments is {num_segments}: it must be 2 to {MAX_SEGMENTS}")
        self.num_segments, self.max_relations = num_segments, max_relations
        self.scales = tuple(range(num_segments, 1, -1))
        self.fc_fusion_scales = torch.nn.ModuleList(
            torch.nn.Sequential(
                torch.nn.ReLU(),
                torch.nn.Linear(scale * feature_dim, bottleneck),
                torch.nn.ReLU(),
                torch.nn.Linear(bottleneck, num_classes),
            )
            for scale in self.scales
        )

    def relations(self, scale: int, generator: torch.Generator | None = None) -> list[Relation]:
        """The relations of a scale in lexicographic order: all of them if they are at most max_relations.

        Else max_relations of the n there are: number floor((2 j + 1) n / (2 m)), with m = max_relations. With a
        generator they are drawn without repeats.
        """
        every = _every_relation(self.num_segments, scale)
        if len(every) <= self.max_relations:
            return list(every)
        if generator is None:
            return [every[int(index)] for index in sample_segments(len(every), self.max_relations)]
        drawn = torch.randperm(len(every), generator=generator)[: self.max_relations]
        return [every[int(index)] for index in drawn.sort().values]

    def hidden(
        self, features: torch.Tensor, generator: torch.Generator | None = None, dropout: float = 0.0
    ) -> list[torch.Tensor]:
        """For each scale, the mean over its relations of the second ReLU's output: (n, bottleneck).

        In training, the share `dropout` of each relation's input is dropped.
        """
        means = []
        for scale, network in zip(self.scales, self.fc_fusion_scales, strict=True):
            relations = self.relations(scale, generator)
            stacked = features[:, torch.tensor(relations)].flatten(2)  # (n, relations, scale * feature_dim)
            entered = network[0](stacked)  # type: ignore[index]
            if dropout:
                entered = torch.nn.functional.dropout(entered, dropout)
            means.append(network[1:3](entered).mean(dim=1))  # type: ignore[index]
        return means

    def fused(self, features: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """The embedding (n, scales * bottleneck), largest scale first, of features (n, num_segments, feature_dim).

        The published logits are linear in exactly these numbers.
        """
        return torch.cat(self.hidden(features, generator), dim=1)

    def num_relations(self, scale: int) -> int:
        """How many relations of a scale are looked at."""
        return min(self.max_relations, comb(self.num_segments, scale))

    def forward(self, features: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Logits (n, num_classes). As published, they are the sum over all relations that were looked at."""
        logits = [
            self.num_relations(scale) * network[3](mean)  # type: ignore[index]
            for scale, network, mean in zip(
                self.scales, self.fc_fusion_scales, self.hidden(features, generator), strict=True
            )
        ]
        return torch.stack(logits).sum(dim=0)
