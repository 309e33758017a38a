"""The network of celeb-detection-oss (GIPHY 2019): a ResNet, a layer that embeds, and the people."""

from __future__ import annotations

from typing import get_args

import torch
import torchvision
from torch import nn

from autotag_core.faces.network.face_record import Stem

DIMENSION = 256
CENTER_WEIGHT = 0.001
"""Of the centre loss beside the cross-entropy, as published."""
STEMS: tuple[Stem, ...] = get_args(Stem)


class FaceNetwork(nn.Module):
    """The tensors of the published layout: `stem.*`, `fc1.*`, `fc2.*`, and `centers` (people, DIMENSION)."""

    def __init__(self, stem: Stem, num_people: int) -> None:
        super().__init__()
        *layers, last = getattr(torchvision.models, stem)(weights=None).children()
        self.stem = nn.Sequential(*layers)
        self.fc1 = nn.Linear(last.in_features, DIMENSION)
        self.fc2 = nn.Linear(DIMENSION, num_people)
        self.centers = nn.Parameter(torch.randn(num_people, DIMENSION))

    def embed(self, chips: torch.Tensor) -> torch.Tensor:
        """(n, DIMENSION) of chips (n, 3, side, side) between 0 and 1. No mean is taken away, as published."""
        embedded: torch.Tensor = self.fc1(self.stem(chips).flatten(1))
        return embedded

    def forward(self, chips: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(logits (n, people), embeddings (n, DIMENSION)) of chips (n, 3, side, side) between 0 and 1."""
        embeddings = self.embed(chips)
        return self.fc2(embeddings), embeddings


def center_loss(embeddings: torch.Tensor, centers: torch.Tensor, people: torch.Tensor) -> torch.Tensor:
    """Half the squared distance of embeddings (n, d) to their person's center, summed (Wen et al. 2016).

    Each counts 1 / (1 + how many of the batch show the same person), as published. people (n,) are rows of centers.
    """
    counts = torch.bincount(people, minlength=len(centers))[people] + 1  # (n,)
    squares = (embeddings - centers[people]).square().sum(dim=1)  # (n,)
    return (squares / counts).sum() / 2


def training_loss(
    network_says: tuple[torch.Tensor, torch.Tensor], centers: torch.Tensor, people: torch.Tensor
) -> torch.Tensor:
    """Cross-entropy plus CENTER_WEIGHT x center_loss of what a FaceNetwork says (logits, embeddings)."""
    logits, embeddings = network_says
    return nn.functional.cross_entropy(logits, people) + CENTER_WEIGHT * center_loss(embeddings, centers, people)
