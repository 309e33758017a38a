"""Trains a temporal relation network on the catalog's own tags, to see in frames' order what their mean can't show.

The logits start from what a GIF's nearest GIFs in the mean of frames say about each tag (_offsets). So the network can
only gain what that mean does not know. Loading this needs torch, so __init__ does not export it.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from autotag_core.config import Config
from autotag_core.errors import NotTrainedError
from autotag_core.experts.backbones.networks import make_repeatable
from autotag_core.experts.temporal.heads import HeadRecord, RelationHead
from autotag_core.experts.temporal.relations import MultiScaleRelations

MIN_GIFS, MIN_TAG_GIFS, MIN_VALIDATION_GIFS = 50, 3, 20
EPOCHS, PATIENCE, BATCH_GIFS = 40, 6, 32
LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 1e-3, 1e-4, 0.5
MAX_PROJECTED_FRAMES = 8_000
OFFSET_NEIGHBORS, OFFSET_SHARPNESS, OFFSET_SHARE = 30, 8.0, 0.2

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Example:
    """A GIF to learn from: features (n, d) of its frames in their order, float16, and its uploaders' tags."""

    features: np.ndarray
    tags: tuple[str, ...]
    is_train: bool
    """Whether it is of the train split. GIFs of the validation split only say when to stop."""


@dataclass(frozen=True, eq=False)
class _Gifs:
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


def train_head(
    examples: Sequence[Example], config: Config, backbone_version: str, device: torch.device
) -> RelationHead:
    """A head trained on features of the backbone with that version. Equal examples in equal order give equal bytes.

    GIFs in which nothing changes are left out: they will abstain. The head learns tags of at least MIN_TAG_GIFS train
    GIFs, by binary cross-entropy summed over tags, mean over GIFs. The epoch with the least loss over validation GIFs
    is kept. If there are fewer than MIN_VALIDATION_GIFS, a tenth of the train GIFs takes their place and teaches
    nothing. NotTrainedError where there is too little to learn from, or no epoch ends with a finite loss. Memory:
    n x d x 2 bytes a GIF as given, n x projection x 4 projected, and 8 bytes for each GIF and tag. That is 0.4 + 0.1 GB
    for 10,000 GIFs of 16 x 1280, without the tags. On a GPU the head has other last bits.
    """
    make_repeatable(config.imagenet.threads, device)
    learned, watched = _parts(examples, config.seed)
    tags = _frequent_tags(learned)
    projection = _projection(learned, config.temporal.projection, config.seed)
    gifs = _prepared(learned, watched, tags, projection, device)
    record = HeadRecord(
        feature_dim=projection.shape[1],
        num_classes=len(tags),
        **config.temporal.values("num_segments", "bottleneck", "max_relations", "backbone"),
        tags=tags,
        backbone_version=backbone_version,
        centered=True,
        projected_from=projection.shape[0],
        seed=config.seed,
    )
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        network = MultiScaleRelations(
            record.feature_dim, record.num_segments, record.bottleneck, record.num_classes, record.max_relations
        )
        metrics = _fit(network.to(device), gifs, torch.Generator().manual_seed(config.seed))
    metrics |= {"num_gifs": len(learned), "num_watched": len(watched)}
    _log.info("temporal: trained for %d tags: %s", len(tags), metrics)
    record = record.model_copy(update={"metrics": metrics})
    return RelationHead(record, network.cpu().eval().requires_grad_(False), projection.numpy())


def _parts(examples: Sequence[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """The GIFs to learn from, and those that say when to stop."""
    changing = [
        gif for gif in examples if bool((gif.features != gif.features[0]).any() & np.isfinite(gif.features).all())
    ]
    learned = [gif for gif in changing if gif.is_train]
    watched = [gif for gif in changing if not gif.is_train]
    if len(learned) < MIN_GIFS:
        raise NotTrainedError(f"{len(learned)} train GIFs in which something changes, {MIN_GIFS} are needed")
    if len(watched) < MIN_VALIDATION_GIFS:
        order = _order(len(learned), seed)
        tenth = len(learned) // 10
        watched = [learned[row] for row in sorted(order[:tenth])]
        learned = [learned[row] for row in sorted(order[tenth:])]
    return learned, watched


def _order(count: int, seed: int) -> list[int]:
    """0 .. count - 1 in an order that depends on the seed alone."""
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()
    return order


def _frequent_tags(learned: Sequence[Example]) -> tuple[str, ...]:
    counts = Counter(tag for gif in learned for tag in set(gif.tags))
    tags = tuple(sorted(tag for tag, count in counts.items() if count >= MIN_TAG_GIFS))
    if not tags:
        raise NotTrainedError(f"no tag of at least {MIN_TAG_GIFS} train GIFs in which something changes")
    return tags


def _projection(learned: Sequence[Example], dimension: int, seed: int) -> torch.Tensor:
    """The matrix (d, at most dimension), float32: first principal axes of how frames differ from their GIF's mean.

    At most MAX_PROJECTED_FRAMES frames, drawn at random, give it. It is scaled so that its output has a mean square of
    1. An axis points to where its largest number is positive.
    """
    total = sum(len(gif.features) for gif in learned)
    drawn = np.zeros(total, bool)
    drawn[_order(total, seed)[:MAX_PROJECTED_FRAMES]] = True
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


def _prepared(
    learned: Sequence[Example],
    watched: Sequence[Example],
    tags: tuple[str, ...],
    projection: torch.Tensor,
    device: torch.device,
) -> _Gifs:
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
    offsets = _offsets(gifs, labels, len(learned))
    return _Gifs(frames.to(device), num_frames, labels.to(device), offsets.to(device), len(learned))


def _offsets(gifs: Sequence[Example], labels: torch.Tensor, num_learned: int) -> torch.Tensor:
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


def _fit(network: MultiScaleRelations, gifs: _Gifs, generator: torch.Generator) -> dict[str, float]:
    """Train the network in place; gives what was measured. The network ends as in the epoch with the least loss."""
    batches = -(-gifs.num_learned // BATCH_GIFS)
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=EPOCHS * batches)
    least, best, kept = float("inf"), 0, network.state_dict()
    for epoch in range(1, EPOCHS + 1):
        for rows in torch.randperm(gifs.num_learned, generator=generator).split(BATCH_GIFS):
            loss = _loss(network, gifs, rows, generator)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        watched_loss = _watched_loss(network, gifs)
        if watched_loss < least:
            least, best = watched_loss, epoch
            kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        elif epoch - best >= PATIENCE:
            break
    if not np.isfinite(least):
        raise NotTrainedError(
            f"its loss is no finite number in {epoch} epochs: are the frames' features far too large?"
        )
    network.load_state_dict(kept)
    _fold_num_relations(network)
    if not all(bool(tensor.isfinite().all()) for tensor in network.state_dict().values()):
        raise NotTrainedError(f"its weights are no finite numbers in epoch {best}")
    labels, offsets = gifs.labels[gifs.num_learned :], gifs.offsets[gifs.num_learned :]
    return {"loss": round(least, 4), "loss_of_offsets": round(float(_cross_entropy(offsets, labels)), 4), "epoch": best}


def _loss(network: MultiScaleRelations, gifs: _Gifs, rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    segments = gifs.segments(rows, network.num_segments, generator)
    hidden = network.hidden(segments, generator, DROPOUT)
    logits = _logits(network, [functional.dropout(mean, DROPOUT) for mean in hidden])
    rows = rows.to(logits.device)
    return _cross_entropy(logits + gifs.offsets[rows], gifs.labels[rows])


def _watched_loss(network: MultiScaleRelations, gifs: _Gifs) -> float:
    """The mean loss over the GIFs that are not learned from, without dropout, on each stretch's middle frame."""
    total = 0.0
    rows = torch.arange(gifs.num_learned, len(gifs.num_frames))
    with torch.inference_mode():
        for some in rows.split(256):
            logits = _logits(network, network.hidden(gifs.segments(some, network.num_segments, None)))
            at = some.to(logits.device)
            total += len(some) * float(_cross_entropy(logits + gifs.offsets[at], gifs.labels[at]))
    return total / len(rows)


def _logits(network: MultiScaleRelations, hidden: list[torch.Tensor]) -> torch.Tensor:
    """Logits (n, tags) as the sum of the scales' means.

    The published sum, over all relations, makes scales with many of them learn faster; the embedding gets worse.
    """
    scales = zip(network.fc_fusion_scales, hidden, strict=True)
    return torch.stack([part[3](mean) for part, mean in scales]).sum(dim=0)  # type: ignore[index]


def _fold_num_relations(network: MultiScaleRelations) -> None:
    """Make the network's own forward, which sums over relations, give the logits that were trained."""
    with torch.no_grad():
        for scale, part in zip(network.scales, network.fc_fusion_scales, strict=True):
            for tensor in part[3].parameters():  # type: ignore[index]
                tensor.div_(network.num_relations(scale))


def _cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy, summed over tags, mean over GIFs."""
    return functional.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / len(labels)
