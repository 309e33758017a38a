"""The step of a training, as the training library runs it: loss, what is watched, and the optimiser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader, Dataset, Sampler
from torchmetrics.classification import MultilabelAveragePrecision

from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.losses import LOSSES, pair_weights
from autotag_core.tagger.tagger_data import Part
from autotag_core.tagger.tagger_head import TaggerHead

WATCHED = "validation_map"
"""mAP macro over the tags that editors gave validation GIFs: an epoch is better where this is greater."""
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]
"""Features (n, t, d), mask (n, t), targets (n, c), weights (n, c)."""


class PartBatches(Dataset[Batch]):
    """A part in memory, whose rows are taken a batch at once."""

    def __init__(self, part: Part, experiment: Experiment, is_train: bool) -> None:
        self.features, self.mask = torch.from_numpy(part.features), torch.from_numpy(part.mask)
        self.targets = torch.from_numpy(part.targets.values)
        known = torch.from_numpy(part.targets.is_known)
        weight, balanced = experiment.unlabeled_weight, experiment.class_weights == "balanced"
        self.weights = (
            pair_weights(known, self.targets, weight, balanced) if is_train else torch.ones_like(self.targets)
        )

    def __len__(self) -> int:
        return len(self.targets)

    def __getitems__(self, rows: list[int]) -> Batch:
        """The batch of these rows."""
        return self.features[rows].float(), self.mask[rows], self.targets[rows], self.weights[rows]


class EpochOrder(Sampler[int]):
    """Rows in an order that depends on seed and epoch alone: a resumed training goes on as if it had not stopped."""

    def __init__(self, num: int, seed: int) -> None:
        self._num, self._seed, self._epoch = num, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the training library before each epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._num

    def __iter__(self) -> Iterator[int]:
        return iter(np.random.default_rng((self._seed, self._epoch)).permutation(self._num).tolist())


def batches_of(part: Part, experiment: Experiment, is_train: bool) -> DataLoader[Batch]:
    """The part as batches: shuffled anew in each epoch for training, else in order."""
    rows = PartBatches(part, experiment, is_train)
    order = EpochOrder(len(rows), experiment.seed) if is_train else None
    return DataLoader(rows, experiment.batch_size, sampler=order, collate_fn=_as_it_is)


def _as_it_is(batch: Any) -> Any:
    return batch


class TaggerLearning(lightning.LightningModule):
    """A head that learns. Equal data and experiment give equal weights."""

    def __init__(self, head: TaggerHead, experiment: Experiment) -> None:
        super().__init__()
        self.head, self.experiment = head, experiment
        self._loss = LOSSES[experiment.loss]
        self._watched = MultilabelAveragePrecision(head.classes.out_features, average="macro")

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's dropout from a seed of its own, so that a resumed training draws the same."""
        torch.manual_seed(self.experiment.seed * 100_003 + self.current_epoch)

    def training_step(self, batch: Batch, _: int) -> torch.Tensor:
        """The loss: the weighted cost of all pairs, summed over classes, mean over GIFs."""
        features, mask, targets, weights = batch
        loss = (self._loss(self.head(features, mask), targets) * weights).sum(dim=1).mean()
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss

    def validation_step(self, batch: Batch, _: int) -> None:
        """Measure the batch."""
        features, mask, targets, _weights = batch
        logits = self.head(features, mask)
        right = (targets > 0).long()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, right.float(), reduction="none")
        self._watched.update(logits.sigmoid(), right)
        self.log("validation_loss", loss.sum(dim=1).mean(), batch_size=len(targets))
        self.log(WATCHED, self._watched, batch_size=len(targets))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        chosen = self.experiment
        return torch.optim.AdamW(self.head.parameters(), chosen.learning_rate, weight_decay=chosen.weight_decay)
