"""Trains a temporal relation network on the catalog's own tags, to see in frames' order what their mean can't show.

The logits start from what a GIF's nearest GIFs in the mean of frames say about each tag (offsets). So the network can
only gain what that mean does not know. Loading this needs torch, so __init__ does not export it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional

from autotag_core.config import Config
from autotag_core.errors import NotTrainedError
from autotag_core.experts.backbones.networks import make_repeatable
from autotag_core.experts.temporal.heads import HeadRecord, RelationHead
from autotag_core.experts.temporal.relations import MultiScaleRelations
from autotag_core.experts.temporal.training_gifs import (
    Example,
    TrainingGifs,
    frequent_tags,
    parts,
    prepared,
    projection_of,
)

EPOCHS, PATIENCE, BATCH_GIFS = 40, 6, 32
LEARNING_RATE, WEIGHT_DECAY, DROPOUT = 1e-3, 1e-4, 0.5

_log = logging.getLogger(__name__)


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
    learned, watched = parts(examples, config.seed)
    tags = frequent_tags(learned)
    projection = projection_of(learned, config.temporal.projection, config.seed)
    gifs = prepared(learned, watched, tags, projection, device)
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


def _fit(network: MultiScaleRelations, gifs: TrainingGifs, generator: torch.Generator) -> dict[str, float]:
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


def _loss(
    network: MultiScaleRelations, gifs: TrainingGifs, rows: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    segments = gifs.segments(rows, network.num_segments, generator)
    hidden = network.hidden(segments, generator, DROPOUT)
    logits = _logits(network, [functional.dropout(mean, DROPOUT) for mean in hidden])
    rows = rows.to(logits.device)
    return _cross_entropy(logits + gifs.offsets[rows], gifs.labels[rows])


def _watched_loss(network: MultiScaleRelations, gifs: TrainingGifs) -> float:
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
