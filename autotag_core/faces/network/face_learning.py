"""The step of a training of faces, as the training library runs it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytorch_lightning as lightning
import torch
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2

from autotag_core.faces.network.face_network import FaceNetwork, training_loss
from autotag_core.faces.network.face_pictures import FacePictures

RATE, HALVED_EVERY = 0.001, 4
"""Adam's rate and after how many epochs it is halved, as published."""
MIN_STEPS = 200
"""A rate is not halved before so many steps: a small folder has few in an epoch. The published one had thousands."""
BATCH, MIN_BATCH, MIN_STEPS_AN_EPOCH = 64, 8, 8
"""Pictures in a step: as published; fewer in a small folder, so that an epoch has some steps."""
CHANGED = 0.3
"""Share of the pictures that are changed before they are learned, as published."""


def batches(
    pictures: FacePictures, chosen: np.ndarray, shuffled_by: int | None
) -> DataLoader[tuple[torch.Tensor, ...]]:
    """Chips (n, 3, side, side) uint8 and owners (n,) of the chosen pictures (m,) bool, shuffled anew in each epoch."""
    chips = torch.from_numpy(pictures.chips[chosen]).permute(0, 3, 1, 2)
    rows = TensorDataset(chips, torch.from_numpy(pictures.owners[chosen]).long())
    batch_size = min(BATCH, max(MIN_BATCH, len(rows) // MIN_STEPS_AN_EPOCH))
    if shuffled_by is None:
        return DataLoader(rows, batch_size)
    # a last batch of one picture could not be normalised
    drop = len(rows) > batch_size and len(rows) % batch_size == 1
    generator = torch.Generator().manual_seed(shuffled_by)
    return DataLoader(rows, batch_size, shuffle=True, drop_last=drop, generator=generator)


class FaceLearning(lightning.LightningModule):
    """The loss of a network, its optimiser, and what each epoch measured."""

    def __init__(self, network: FaceNetwork) -> None:
        super().__init__()
        self.network = network
        self.rows: list[dict[str, float]] = []
        self.best_epoch, self.best_weights = -1, dict[str, torch.Tensor]()
        self._change = v2.RandomApply(
            [
                v2.RandomAffine(10, translate=(0.05, 0.05), scale=(0.95, 1.1)),
                v2.RandomHorizontalFlip(0.5),
                v2.ColorJitter(0.25, 0.5),
                v2.GaussianBlur(3, (0.1, 1.5)),
            ],
            CHANGED,
        )

    def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
        """The loss of a batch, some of whose pictures are changed."""
        chips, people = batch
        changed = torch.stack([self._change(chip) for chip in chips])
        loss = training_loss(self.network(changed.float() / 255), self.network.centers, people)
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(people))
        return loss

    def validation_step(self, batch: list[torch.Tensor], _: int) -> None:
        """Loss and rank of the right people of watched pictures."""
        chips, people = batch
        said = self.network(chips.float() / 255)
        order = said[0].argsort(dim=1, descending=True)
        hits = order == people[:, None]
        figures = {
            "validation_loss": training_loss(said, self.network.centers, people),
            "validation_top_1": hits[:, :1].any(dim=1).float().mean(),
            "validation_top_5": hits[:, :5].any(dim=1).float().mean(),
        }
        self.log_dict(figures, batch_size=len(people))

    def on_train_epoch_end(self) -> None:
        """Note the epoch's figures, and its weights where it is better than all before."""
        figures = {name: float(value) for name, value in self.trainer.callback_metrics.items()}
        best = min((row["validation_loss"] for row in self.rows), default=float("inf"))
        if np.isfinite(list(figures.values())).all() and figures["validation_loss"] < best:
            self.best_epoch = len(self.rows)
            self.best_weights = {name: one.detach().cpu().clone() for name, one in self.network.state_dict().items()}
        self.rows.append({"epoch": len(self.rows), **figures})

    def configure_optimizers(self) -> Any:
        """Adam, whose rate is halved as published, but not before MIN_STEPS."""
        optimizer = torch.optim.Adam(self.network.parameters(), RATE)
        steps = max(1, int(self.trainer.estimated_stepping_batches) // (self.trainer.max_epochs or 1))
        every = max(HALVED_EVERY, -(-MIN_STEPS // steps))
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, every, 0.5)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "epoch"}}
