"""Trains a tagger: epochs with early stopping and checkpoints, resumable; teacher and student."""

from __future__ import annotations

import csv
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from autotag_core.errors import InputError, NotTrainedError
from autotag_core.splits import TRAIN, VALIDATION
from autotag_core.tagger.example_targets import TargetMatrix
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.tagger_data import UNLABELED, Part, TaggerData
from autotag_core.tagger.tagger_head import TaggerHead

LAST = "last.ckpt"
"""Name of the checkpoint from which a training goes on."""
_LOG = "log"


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained head, and what each epoch measured: rows {epoch, train_loss, validation_loss, validation_map}."""

    head: TaggerHead
    epochs: list[dict[str, float]]
    best_epoch: int


def fit_tagger(data: TaggerData, experiment: Experiment, folder: Path) -> Fitted:
    """A head trained on the data. Checkpoints and logs go into the folder; where they are, it goes on from them.

    With `student`, a teacher is trained first. What it says of the unlabeled GIFs is the student's first lesson.
    """
    train, validation = data.parts[TRAIN], data.parts[VALIDATION]
    if not experiment.student or not len(data.parts[UNLABELED]):
        return fit_part(train, validation, experiment, folder)
    teacher = fit_part(train, validation, experiment, folder / "teacher").head
    taught = data.parts[UNLABELED]
    said = predict_part(teacher, taught).astype(np.float32)
    lesson = replace(taught, targets=TargetMatrix(said, np.ones(said.shape, bool)))
    student = fit_part(lesson, validation, experiment, folder / "student")
    return fit_part(train, validation, experiment, folder, start=student.head)


def fit_part(
    train: Part, validation: Part, experiment: Experiment, folder: Path, start: TaggerHead | None = None
) -> Fitted:
    """A head trained on one part, as it was in the epoch that was best on the other. `start`: weights to begin with."""
    with _quiet():
        import pytorch_lightning as lightning
        from pytorch_lightning.callbacks import EarlyStopping, ModelCheckpoint
        from pytorch_lightning.loggers import CSVLogger, TensorBoardLogger

        from autotag_core.tagger.learning import WATCHED, TaggerLearning, batches_of

        torch.set_num_threads(experiment.threads)
        torch.manual_seed(experiment.seed)
        head = _new_head(train, experiment)
        if start is not None:
            head.load_state_dict(start.state_dict())
        best = ModelCheckpoint(folder / "checkpoints", "best", WATCHED, mode="max", save_last=True)
        trainer = lightning.Trainer(
            accelerator="auto",
            devices=1,
            max_epochs=experiment.max_epochs,
            callbacks=[best, EarlyStopping(WATCHED, patience=experiment.patience, mode="max")],
            logger=[CSVLogger(folder, _LOG, ""), TensorBoardLogger(folder, "tensorboard", "")],
            log_every_n_steps=1,
            num_sanity_val_steps=0,
            enable_progress_bar=False,
            enable_model_summary=False,
            deterministic=True,
        )
        last = folder / "checkpoints" / LAST
        learning = TaggerLearning(head, experiment)
        loaders = batches_of(train, experiment, is_train=True), batches_of(validation, experiment, is_train=False)
        trainer.fit(learning, *loaders, ckpt_path=str(last) if last.is_file() else None, weights_only=True)
        state = torch.load(best.best_model_path, map_location="cpu", weights_only=True)
    learning.load_state_dict(state["state_dict"])
    head = learning.head.cpu().eval().requires_grad_(False)
    if not all(bool(tensor.isfinite().all()) for tensor in head.state_dict().values()):
        raise NotTrainedError("the head's weights are no finite numbers: lower learning_rate")
    return Fitted(head, _epochs(folder / _LOG / "metrics.csv"), int(state["epoch"]))


def _new_head(train: Part, experiment: Experiment) -> TaggerHead:
    targets = torch.from_numpy(train.targets.values)
    head = TaggerHead(train.features.shape[2], targets.shape[1], experiment)
    head.start_from(torch.from_numpy(train.features).float(), torch.from_numpy(train.mask), targets.mean(dim=0))
    return head


def predict_part(head: TaggerHead, part: Part, batch_size: int = 256) -> np.ndarray:
    """Uncalibrated probabilities (n, c) float64 of a part's GIFs."""
    logits = logits_of(head, part, batch_size)
    return 1 / (1 + np.exp(-logits))


@torch.inference_mode()
def logits_of(head: TaggerHead, part: Part, batch_size: int = 256) -> np.ndarray:
    """Logits (n, c) float64 of a part's GIFs."""
    head.eval()
    found = [
        head(
            torch.from_numpy(part.features[at : at + batch_size]).float(),
            torch.from_numpy(part.mask[at : at + batch_size]),
        )
        for at in range(0, len(part), batch_size)
    ]
    return torch.cat(found).double().numpy() if found else np.zeros((0, head.classes.out_features))


def _epochs(path: Path) -> list[dict[str, float]]:
    """What the log says of each epoch, in order: the library writes what is measured at two moments as two lines."""
    rows: dict[int, dict[str, float]] = {}
    with path.open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            known = {name: float(value) for name, value in line.items() if value and name not in ("epoch", "step")}
            rows.setdefault(int(line["epoch"]), {}).update(known)
    return [{"epoch": epoch, **row} for epoch, row in sorted(rows.items())]


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the training library's advice on hardware and data loaders, which fits no data in memory."""
    try:
        import matplotlib  # noqa: F401
        import pytorch_lightning  # noqa: F401 - it sets its loggers' levels when it is first loaded
        import tensorboardX  # noqa: F401
        import torchmetrics  # noqa: F401
    except ImportError as error:
        raise InputError(f"training needs the package {error.name}: pip install 'autotag[tagger]'") from None
    names = ("pytorch_lightning", "pytorch_lightning.utilities.rank_zero", "lightning_fabric")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
