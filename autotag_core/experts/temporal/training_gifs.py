"""GIFs that a relation head learns from and is watched on: drawn, projected and labelled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from autotag_core.errors import NotTrainedError

MIN_GIFS, MIN_TAG_GIFS, MIN_VALIDATION_GIFS = 50, 3, 20
MAX_PROJECTED_FRAMES = 8_000
OFFSET_NEIGHBORS, OFFSET_SHARPNESS, OFFSET_SHARE = 30, 8.0, 0.2


@dataclass(frozen=True, eq=False)
class Example:
    """A GIF to learn from: features (n, d) of its frames in their order, float16, and its uploaders' tags."""

    features: np.ndarray
    tags: tuple[str, ...]
    is_train: bool
    """Whether it is of the train split. GIFs of the validation split only say when to stop."""


@dataclass(frozen=True, eq=False)
class TrainingGifs:
    """N GIFs; those that are learned from come first."""

    frames: torch.Tensor  # (N, most frames of a GIF, d')
    num_frames: torch.Tensor  # (N,)
    labels: torch.Tensor  # (N, tags), 0 or 1
    offsets: torch.Tensor  # (N, tags)
    num_learned: int

    def segments(self, rows: torch.Tensor, num_segments: int, generator: torch.Generator | None) -> torch.Tensor:
        """Frames (rows, num_segments, d'): one of each stretch, drawn at random, or its middle one."""
        at = torch.full((len(rows), num_segments), 0.5)
        if generator is not None:
            at = torch.rand(at.shape, generator=generator)
        num_frames = self.num_frames[rows, None]
        chosen = ((torch.arange(num_segments) + at) * num_frames / num_segments).long()
        chosen = torch.minimum(chosen, num_frames - 1)
        device = self.frames.device
        return self.frames[rows[:, None].to(device), chosen.to(device)]


def parts(examples: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """The GIFs to learn from, and those that say when to stop."""
    changing = [
        gif for gif in examples if bool((gif.features != gif.features[0]).any() & np.isfinite(gif.features).all())
    ]
    learned = [gif for gif in changing if gif.is_train]
    watched = [gif for gif in changing if not gif.is_train]
    if len(learned) < MIN_GIFS:
        raise NotTrainedError(f"{len(learned)} train GIFs in which something changes, {MIN_GIFS} are needed")
    if len(watched) < MIN_VALIDATION_GIFS:
        order = drawn_order(len(learned), seed)
        tenth = len(learned) // 10
        watched = [learned[row] for row in sorted(order[:tenth])]
        learned = [learned[row] for row in sorted(order[tenth:])]
    return learned, watched


def drawn_order(count: int, seed: int) -> list[int]:
    """0 .. count - 1 in an order that depends on the seed alone."""
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return order


def frequent_tags(learned: Sequence[Example]) -> tuple[str, ...]:
    """The tags, sorted, that at least MIN_TAG_GIFS of the GIFs have; NotTrainedError where there are none."""
    counts = Counter(tag for gif in learned for tag in set(gif.tags))
    tags = tuple(sorted(tag for tag, count in counts.items() if count >= MIN_TAG_GIFS))
    if not tags:
        raise NotTrainedError(f"no tag of at least {MIN_TAG_GIFS} train GIFs in which something changes")
    return tags


def projection_of(learned: Sequence[Example], dimension: int, seed: int) -> torch.Tensor:
    """The matrix (d, at most dimension), float32: first principal axes of how frames differ from their GIF's mean.

    At most MAX_PROJECTED_FRAMES frames, drawn at random, give it. It is scaled so that its output has a mean square of
    1. An axis points to where its largest number is positive.
    """
    total = sum(len(gif.features) for gif in learned)
    drawn = np.zeros(total, bool)
    drawn[drawn_order(total, seed)[:MAX_PROJECTED_FRAMES]] = True
    deviations, start = [], 0
    for gif in learned:
        chosen = drawn[start : start + len(gif.features)]
        start += len(gif.features)
        if chosen.any():
            deviations.append(gif.features[chosen] - gif.features.mean(axis=0, dtype=np.float32))
    frames = torch.from_numpy(np.concatenate(deviations)).double()  # (at most MAX_PROJECTED_FRAMES, d)
    axes = torch.linalg.eigh(frames.T @ frames).eigenvectors.flip(1)[:, :dimension]  # (d, dimension), largest first
    axes = axes * axes.gather(0, axes.abs().argmax(dim=0, keepdim=True)).sign()
    return (axes / (frames @ axes).square().mean().sqrt()).float()


def prepared(
    learned: Sequence[Example],
    watched: Sequence[Example],
    tags: tuple[str, ...],
    projection: torch.Tensor,
    device: torch.device,
) -> TrainingGifs:
    """All GIFs on the device; their frames minus their mean, projected, and filled up with zeros."""
    gifs = [*learned, *watched]
    num_frames = torch.tensor([len(gif.features) for gif in gifs])
    frames = torch.zeros(len(gifs), int(num_frames.max()), projection.shape[1])
    labels = torch.zeros(len(gifs), len(tags))
    columns = {tag: column for column, tag in enumerate(tags)}
    for row, gif in enumerate(gifs):
        features = torch.from_numpy(gif.features.astype(np.float32))
        frames[row, : len(features)] = (features - features.mean(dim=0)) @ projection
        labels[row, [columns[tag] for tag in gif.tags if tag in columns]] = 1
    offsets = label_offsets(gifs, labels, len(learned))
    return TrainingGifs(frames.to(device), num_frames, labels.to(device), offsets.to(device), len(learned))


def label_offsets(gifs: Sequence[Example], labels: torch.Tensor, num_learned: int) -> torch.Tensor:
    """Log odds (N, tags) that a GIF has a tag, by its nearest learned GIFs in the mean of frames, never itself.

    OFFSET_NEIGHBORS count, each weighted exp(OFFSET_SHARPNESS (cosine - largest cosine)). Mixed with the tag's share.
    """
    means = torch.from_numpy(np.stack([gif.features.mean(axis=0, dtype=np.float32) for gif in gifs]))
    means = functional.normalize(means, dim=1)
    learned_labels = labels[:num_learned]
    found = []
    for rows in torch.arange(len(gifs)).split(64):
        cosines = means[rows] @ means[:num_learned].T  # (64, num_learned)
        cosines[rows[:, None] == torch.arange(num_learned)] = -2
        nearest = cosines.topk(min(OFFSET_NEIGHBORS, num_learned - 1))
        weights = torch.exp(OFFSET_SHARPNESS * (nearest.values - nearest.values[:, :1]))
        weights = weights / weights.sum(dim=1, keepdim=True)
        found.append((weights[:, None] @ learned_labels[nearest.indices])[:, 0])  # (64, tags)
    voted = (1 - OFFSET_SHARE) * torch.cat(found) + OFFSET_SHARE * learned_labels.mean(dim=0)
    return torch.log((voted + 1e-4) / (1 - voted + 1e-4))
