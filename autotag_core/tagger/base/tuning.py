"""The step of fine-tuning: clips of the loader through base and head, in one process or several."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from torchmetrics.classification import MultilabelAveragePrecision

from autotag_core import storage
from autotag_core.experts.weight_files import weights_as_bytes
from autotag_core.splits import TRAIN, VALIDATION
from autotag_core.tagger.base.networks import BaseNetwork
from autotag_core.tagger.base.tuned_files import BEST, ROWS
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.learning import WATCHED
from autotag_core.tagger.losses import LOSSES, pair_weights
from autotag_core.tagger.tagger_data import TaggerData
from autotag_core.tagger.tagger_head import TaggerHead
from autotag_core.training import Examples, open_examples


class Tuning(lightning.LightningModule):
    """Base and head that learn together, the base at a lower rate."""

    def __init__(self, base: BaseNetwork, head: TaggerHead, data: TaggerData, experiment: Experiment, folder: Path):
        super().__init__()
        self.base, self.head, self.experiment, self.folder = base, head, experiment, folder
        self.place = (data.warehouse, data.release.release_of or data.release.run_id)
        self.rows: list[dict[str, float]] = []
        train, validation = data.parts[TRAIN], data.parts[VALIDATION]
        self._of_gif = {gif_id: row for row, gif_id in enumerate(train.gif_ids)}
        self._targets = torch.from_numpy(train.targets.values)
        known = torch.from_numpy(train.targets.is_known)
        weight, balanced = experiment.unlabeled_weight, experiment.class_weights == "balanced"
        self._weights = pair_weights(known, self._targets, weight, balanced)
        self._right = {gif_id: validation.targets.values[at] > 0 for at, gif_id in enumerate(validation.gif_ids)}
        self._loss, self._best = LOSSES[experiment.loss], float("-inf")
        self._watched = MultilabelAveragePrecision(head.classes.out_features, average="macro")
        self._examples: dict[str, Examples] = {}

    def train_dataloader(self) -> Any:
        """This process's share of the train clips, drawn by class and augmented."""
        return self._open(TRAIN)

    def val_dataloader(self) -> Any:
        """This process's share of the validation clips."""
        return self._open(VALIDATION)

    def _open(self, split: str) -> Examples:
        chosen = self.experiment
        self._examples[split] = open_examples(
            *self.place,
            split,
            self.global_rank,
            self.trainer.world_size,
            batch_size=chosen.clip_batch,
            num_frames=chosen.clip_frames,
            seed=chosen.seed,
            min_examples=chosen.min_examples,
        )
        return self._examples[split]

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's clips."""
        torch.manual_seed(self.experiment.seed * 100_003 + self.current_epoch)
        self._examples[TRAIN].set_epoch(self.current_epoch)

    def training_step(self, batch: dict[str, torch.Tensor], _: int) -> torch.Tensor:
        """The loss as a head alone has it."""
        rows = [self._of_gif[self._examples[TRAIN].gif_id(int(at))] for at in batch["index"]]
        logits = self.head(self.base.features(batch["frames"], batch["mask"]), batch["mask"])
        targets, weights = self._targets[rows].to(logits), self._weights[rows].to(logits)
        loss = (self._loss(logits, targets) * weights).sum(dim=1).mean()
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(rows), sync_dist=True)
        return loss

    def validation_step(self, batch: dict[str, torch.Tensor], _: int) -> None:
        """Measure the batch, without rows that only fill it."""
        there = batch["index"] >= 0
        if not bool(there.any()):
            return
        mask = batch["mask"][there]
        logits = self.head(self.base.features(batch["frames"][there], mask), mask)
        ids = [self._examples[VALIDATION].gif_id(int(at)) for at in batch["index"][there]]
        right = torch.from_numpy(np.stack([self._right[gif_id] for gif_id in ids])).long().to(logits.device)
        self._watched.update(logits.sigmoid(), right)

    def on_validation_epoch_end(self) -> None:
        """Note the epoch; the first process writes what is best so far."""
        score = float(self._watched.compute())
        self._watched.reset()
        self._examples[VALIDATION].set_epoch(0)
        self.rows.append({"epoch": len(self.rows), WATCHED: score})
        if self.global_rank != 0:
            return
        if np.isfinite(score) and score > self._best:
            self._best = score
            tensors = {f"base.{name}": one for name, one in self.base.state_dict().items()}
            tensors |= {f"head.{name}": one for name, one in self.head.state_dict().items()}
            storage.write_bytes(str(self.folder / BEST), weights_as_bytes(tensors))

    def on_train_epoch_end(self) -> None:
        """Add the loss to the epoch's row, and write the rows."""
        if self.rows:
            self.rows[-1]["train_loss"] = float(self.trainer.callback_metrics["train_loss"])
        if self.global_rank == 0:
            storage.write_bytes(str(self.folder / ROWS), json.dumps(self.rows).encode())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW, with a lower rate for the base."""
        chosen = self.experiment
        of_base = [one for one in self.base.parameters() if one.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": of_base, "lr": chosen.learning_rate * chosen.base_rate},
            {"params": list(self.head.parameters())},
        ]
        return torch.optim.AdamW(groups, chosen.learning_rate, weight_decay=chosen.weight_decay)
