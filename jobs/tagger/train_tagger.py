"""A release in; out a trained tagger: its run folder, and its row in `tagger_models`."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.run_folder import (
    drop_progress,
    fetch_progress,
    keep_progress,
    model_row,
    write_run_folder,
)
from autotag_core.tagger.tag_metrics import Measured
from autotag_core.tagger.tagger_data import TaggerData, open_data
from autotag_core.tagger.tagger_model import TaggerRecord
from autotag_core.tagger.trained_models import FOLDER, MODEL, add_model
from autotag_core.warehouse import new_run_id

if TYPE_CHECKING:
    from autotag_core.tagger.fitting import Workplace

_STARTED = "started.json"
"""Names what a training that has not ended is made of; `--resume` looks for one of the same."""


@dataclass(frozen=True)
class TrainRequest:
    """What `autotag train` was asked."""

    warehouse: str
    run_id: str | None
    experiment: Experiment
    out: str | None = None
    """Folder of the trainings. None: models/tagger in the warehouse."""
    resume: bool = False


@dataclass(frozen=True, eq=False)
class Trained:
    """A tagger that was trained: where it is, what it is, and what it is worth."""

    uri: str
    record: TaggerRecord
    measured: Measured
    seconds: float
    num_epochs: int


def train_tagger(request: TrainRequest, on_progress: Callable[[int, int], None]) -> Trained:
    """Train, measure, write. InputError where the release can't teach this experiment."""
    from autotag_core.tagger.fitting import fit_tagger
    from autotag_core.tagger.measuring import measure_tagger, tagger_record

    start = time.perf_counter()
    data = open_data(request.warehouse, request.run_id, _read_as(request.experiment), on_progress)
    uri = _folder(request, data)
    with ExitStack() as stack:
        place = _workplace(uri, stack)
        if request.experiment.base is None:
            fitted = fit_tagger(data, request.experiment, place)
        else:
            from autotag_core.tagger.base.fine_tuning import fine_tune

            data, fitted = fine_tune(data, request.experiment, place, on_progress)
        record = tagger_record(data, request.experiment, fitted)
        measured = measure_tagger(data, record, fitted)
    sha256 = write_run_folder(uri, fitted, record, measured)
    seconds = time.perf_counter() - start
    add_model(request.warehouse, model_row(uri, sha256, record, measured, (datetime.now(UTC), seconds)))
    drop_progress(uri)
    return Trained(uri, record, measured, seconds, len(fitted.epochs))


def _read_as(experiment: Experiment) -> Experiment:
    """What decides which features are read: a base sees the frames itself."""
    return experiment if experiment.base is None else experiment.model_copy(update={"aggregator": "mean_features"})


def _folder(request: TrainRequest, data: TaggerData) -> str:
    """The folder of this training: that of one of the same that has not ended, with `resume`; else a new one."""
    base = request.out or storage.join(request.warehouse, *FOLDER)
    made_of: dict[str, object] = {
        "experiment": request.experiment.model_dump(),
        "run_id": data.release.run_id,
        "classes": data.classes,
    }
    if request.resume:
        found = _unended(base, made_of)
        if found is None:
            raise InputError(
                f"{base}: no training of this experiment and release has stopped midway: leave out --resume"
            )
        return found
    uri = storage.join(base, new_run_id(datetime.now(UTC)))
    storage.write_bytes(storage.join(uri, _STARTED), json.dumps(made_of).encode())
    return uri


def _unended(base: str, made_of: dict[str, object]) -> str | None:
    files = set(storage.list_files(base))
    starts = sorted((file for file in files if file.endswith(f"/{_STARTED}")), reverse=True)
    for start in starts:
        folder = start.removesuffix(f"/{_STARTED}")
        if f"{folder}/{MODEL}" not in files and json.loads(storage.read_bytes(start)) == made_of:
            return folder
    return None


def _workplace(uri: str, stack: ExitStack) -> Workplace:
    """Where checkpoints and logs go: the run folder; where that is on S3, a local folder that is copied there."""
    from autotag_core.tagger.fitting import Workplace

    if not storage.is_s3(uri):
        return Workplace(storage.local_path(uri).absolute())
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=storage.SCRATCH)))
    fetch_progress(uri, folder)
    stack.callback(keep_progress, folder, uri)
    return Workplace(folder, lambda: keep_progress(folder, uri))
