"""Trains a tagger: epochs with early stopping and checkpoints, resumable; teacher and student."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
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

CHECKPOINT = "last.ckpt"


@dataclass(frozen=True, eq=False)
class Fitted:
    """A trained head, and what each epoch measured: rows {epoch, train_loss, validation_loss, validation_map}."""

    head: TaggerHead
    epochs: list[dict[str, float]]
    best_epoch: int
    base: dict[str, torch.Tensor] | None = None
    """The weights of a base that was fine-tuned."""


@dataclass(frozen=True)
class Workplace:
    """A local folder of checkpoints and logs, and what is called when those of an epoch are written."""

    folder: Path
    after_epoch: Callable[[], None] = lambda: None

    def below(self, name: str) -> Workplace:
        """The same for a part of the training."""
        return replace(self, folder=self.folder / name)


def fit_tagger(data: TaggerData, experiment: Experiment, place: Workplace) -> Fitted:
    """A head trained on the data. Checkpoints and logs go into the place; where they are, it goes on from them.

    With `student`, a teacher is trained first. What it says of the unlabeled GIFs is the student's first lesson.
    """
    train, validation = data.parts[TRAIN], data.parts[VALIDATION]
    if not experiment.student or not len(data.parts[UNLABELED]):
        return fit_part(train, validation, experiment, place)
    teacher = fit_part(train, validation, experiment, place.below("teacher")).head
    taught = data.parts[UNLABELED]
    said = predict_part(teacher, taught).astype(np.float32)
    lesson = replace(taught, targets=TargetMatrix(said, np.ones(said.shape, bool)))
    student = fit_part(lesson, validation, experiment, place.below("student"))
    return fit_part(train, validation, experiment, place, start=student.head)


def fit_part(
    train: Part, validation: Part, experiment: Experiment, place: Workplace, start: TaggerHead | None = None
) -> Fitted:
    """A head trained on one part, as it was in the epoch that was best on the other. `start`: weights to begin with."""
    with quiet():
        import pytorch_lightning as lightning
        from pytorch_lightning.callbacks import EarlyStopping
        from pytorch_lightning.loggers import TensorBoardLogger

        from autotag_core.tagger.learning import WATCHED, EpochLog, TaggerLearning, train_batches, watched_batches

        torch.set_num_threads(1)  # a head's steps are so small that threads wait for each other
        torch.manual_seed(experiment.seed)
        head = _new_head(train, experiment)
        if start is not None:
            head.load_state_dict(start.state_dict())
        log = EpochLog(place.folder / "checkpoints" / CHECKPOINT, place.after_epoch)
        stopping = EarlyStopping(WATCHED, patience=experiment.patience, mode="max")
        log.restore(head, stopping)
        first = log.progress.next_epoch
        trainer = lightning.Trainer(
            accelerator="auto",
            devices=1,
            max_epochs=experiment.max_epochs - first,
            callbacks=[log, stopping],
            logger=TensorBoardLogger(place.folder, "tensorboard", ""),
            log_every_n_steps=1,
            num_sanity_val_steps=0,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            deterministic=True,
        )
        loaders = train_batches(train, experiment, first), watched_batches(validation, experiment)
        try:
            trainer.fit(TaggerLearning(head, experiment, first), *loaders)
        except SystemExit as stop:
            if stop.code == 1:  # what the training library makes of Ctrl-C
                raise KeyboardInterrupt from None
            raise
    if not log.progress.best_weights:
        raise NotTrainedError("in no epoch the predictions were finite numbers: lower learning_rate")
    head.load_state_dict(log.progress.best_weights)
    return Fitted(head.cpu().eval().requires_grad_(False), log.progress.rows, log.progress.best_epoch)


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


@contextmanager
def quiet() -> Iterator[None]:
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
