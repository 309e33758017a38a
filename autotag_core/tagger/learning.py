"""The step of a training, as the training library runs it: loss, what is watched, and the optimiser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from pytorch_lightning.callbacks import EarlyStopping
from torch.utils.data import DataLoader, Dataset, Sampler
from torchmetrics.classification import MultilabelAveragePrecision

from autotag_core import storage
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

    def __init__(self, num: int, seed: int, first_epoch: int) -> None:
        self._num, self._seed, self._first = num, seed, first_epoch
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the training library before each epoch, from 0 also where a training goes on."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._num

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self._seed, self._first + self._epoch))
        return iter(rng.permutation(self._num).tolist())


def train_batches(part: Part, experiment: Experiment, first_epoch: int) -> DataLoader[Batch]:
    """The part as batches, shuffled anew in each epoch."""
    rows = PartBatches(part, experiment, is_train=True)
    order = EpochOrder(len(rows), experiment.seed, first_epoch)
    # with a generator of its own a loader takes nothing from the one that dropout draws from
    return DataLoader(
        rows, experiment.batch_size, sampler=order, collate_fn=_as_it_is, generator=torch.Generator().manual_seed(0)
    )


def watched_batches(part: Part, experiment: Experiment) -> DataLoader[Batch]:
    """The part as batches in its order."""
    return DataLoader(PartBatches(part, experiment, is_train=False), experiment.batch_size, collate_fn=_as_it_is)


def _as_it_is(batch: Any) -> Any:
    return batch


@dataclass
class Progress:
    """How far a training is: what each epoch measured, and the weights of the best one."""

    rows: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = -1
    best_score: float = float("-inf")
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)

    @property
    def next_epoch(self) -> int:
        """The epoch that comes next, from 0."""
        return len(self.rows)


class EpochLog(lightning.Callback):
    """Notes progress, and writes it with weights and optimiser to a checkpoint, from which a training goes on.

    The training library's own checkpoints hold the state of its loops too. One that is written between two epochs
    repeats or leaves out a part of one when it is resumed.
    """

    def __init__(self, checkpoint: Path, after_epoch: Callable[[], None]) -> None:
        self.progress = Progress()
        self._checkpoint, self._after_epoch = checkpoint, after_epoch
        self._optimizer: dict[str, Any] | None = None

    def restore(self, head: TaggerHead, stopping: EarlyStopping) -> None:
        """Go on from the checkpoint, if there is one."""
        if not self._checkpoint.is_file():
            return
        found = torch.load(self._checkpoint, map_location="cpu", weights_only=True)
        head.load_state_dict(found["weights"])
        stopping.load_state_dict(found["stopping"])
        self.progress, self._optimizer = Progress(**found["progress"]), found["optimizer"]

    def on_train_start(self, trainer: lightning.Trainer, _: lightning.LightningModule) -> None:
        """Give the optimiser back what it knew."""
        if self._optimizer is not None:
            trainer.optimizers[0].load_state_dict(self._optimizer)

    def on_train_epoch_start(self, trainer: lightning.Trainer, learning: lightning.LightningModule) -> None:
        """Write the checkpoint of the epoch before: now everybody has noted what it measured."""
        assert isinstance(learning, TaggerLearning)
        if trainer.current_epoch == 0:
            return
        assert trainer.early_stopping_callback is not None
        state = {
            "weights": learning.head.state_dict(),
            "optimizer": trainer.optimizers[0].state_dict(),
            "stopping": trainer.early_stopping_callback.state_dict(),
            "progress": vars(self.progress),
        }
        with storage.new_file(str(self._checkpoint.absolute())) as path:
            torch.save(state, path)
        self._after_epoch()

    def on_train_epoch_end(self, trainer: lightning.Trainer, learning: lightning.LightningModule) -> None:
        """Note the epoch's figures, and its weights where it is better than all before."""
        assert isinstance(learning, TaggerLearning)
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        progress, epoch = self.progress, self.progress.next_epoch
        progress.rows.append({"epoch": epoch, **figures})
        if np.isfinite(list(figures.values())).all() and figures[WATCHED] > progress.best_score:
            progress.best_epoch, progress.best_score = epoch, figures[WATCHED]
            progress.best_weights = {name: one.cpu().clone() for name, one in learning.head.state_dict().items()}


class TaggerLearning(lightning.LightningModule):
    """A head that learns. Equal data and experiment give equal weights."""

    def __init__(self, head: TaggerHead, experiment: Experiment, first_epoch: int) -> None:
        super().__init__()
        self.head, self.experiment, self.first_epoch = head, experiment, first_epoch
        self._loss = LOSSES[experiment.loss]
        self._watched = MultilabelAveragePrecision(head.classes.out_features, average="macro")

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's dropout from a seed of its own, so that a resumed training draws the same."""
        torch.manual_seed(self.experiment.seed * 100_003 + self.first_epoch + self.current_epoch)

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
