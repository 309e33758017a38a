"""Fine-tunes a base and a head on a release: first the head on what the base sees, then the last blocks with it."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch

from autotag_core.errors import InputError, NotTrainedError
from autotag_core.experts import embed_gifs
from autotag_core.experts.weight_files import read_weights, weights_as_bytes
from autotag_core.frames import iter_loaded
from autotag_core.splits import SPLITS, TRAIN, VALIDATION
from autotag_core.tables import TRAINING_EXAMPLES
from autotag_core.tagger.base.loading import frame_models
from autotag_core.tagger.base.networks import BaseNetwork, architecture_of, open_base
from autotag_core.tagger.base.tuned_files import BEST, ROWS
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.fitting import Fitted, Workplace, fit_part, quiet
from autotag_core.tagger.tagger_data import Part, TaggerData
from autotag_core.tagger.tagger_model import below
from autotag_core.warehouse import read_table

if TYPE_CHECKING:
    import pytorch_lightning as lightning

_log = logging.getLogger(__name__)
Told = Callable[[int, int], None]


def fine_tune(
    data: TaggerData, experiment: Experiment, place: Workplace, on_progress: Told
) -> tuple[TaggerData, Fitted]:
    """(the data as the tuned base sees it, the tuned base and head).

    Cost: each epoch decodes and sees the clips of the train GIFs, and computes gradients of the last blocks; before and
    after it, each GIF of the examples is seen once. It does not go on where it stopped: it starts anew.
    """
    if experiment.student:
        raise InputError("base: not with student=true: a student learns from stored features")
    base = open_base(experiment, data.config)
    seen = _as_seen(data, base, experiment, (TRAIN, VALIDATION), on_progress)
    head = fit_part(seen.parts[TRAIN], seen.parts[VALIDATION], experiment, place.below("head")).head
    base.train_last(experiment.trained_blocks)
    folder = place.folder / "tuning"
    rows = _tune(base, head.requires_grad_(True), data, experiment, folder)
    tensors = read_weights(folder / BEST)
    for module, prefix in ((base, "base."), (head, "head.")):
        module.load_state_dict(below(tensors, prefix))
        module.eval().requires_grad_(False)
    best = max(range(len(rows)), key=lambda at: rows[at]["validation_map"])
    fitted = Fitted(head, rows, best, {name: one.clone() for name, one in base.state_dict().items()})
    return _as_seen(data, base, experiment, SPLITS, on_progress), fitted


def _tune(
    base: BaseNetwork, head: torch.nn.Module, data: TaggerData, experiment: Experiment, folder: Path
) -> list[dict[str, float]]:
    """The rows of the epochs. The best weights are in the folder."""
    with quiet():
        import pytorch_lightning as lightning

        from autotag_core.tagger.base.tuning import Tuning

        folder.mkdir(parents=True, exist_ok=True)
        torch.set_num_threads(experiment.threads)
        torch.manual_seed(experiment.seed)
        trainer = lightning.Trainer(
            accelerator="auto",
            devices=experiment.processes,
            strategy=_strategy(experiment.processes),
            max_epochs=experiment.tune_epochs,
            default_root_dir=folder,
            logger=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(Tuning(base, head, data, experiment, folder))  # type: ignore[arg-type]
        if not (folder / BEST).is_file():
            raise NotTrainedError("in no epoch the predictions were finite numbers: lower learning_rate or base_rate")
        rows: list[dict[str, float]] = json.loads((folder / ROWS).read_bytes())
        return rows


def _strategy(processes: int) -> str | lightning.strategies.Strategy:
    if processes == 1:
        return "auto"
    from pytorch_lightning.strategies import DDPStrategy

    backend = "nccl" if torch.cuda.is_available() else "gloo"
    return DDPStrategy(process_group_backend=backend, start_method="spawn")


def _as_seen(
    data: TaggerData, base: BaseNetwork, experiment: Experiment, splits: tuple[str, ...], on_progress: Told
) -> TaggerData:
    """The data with features of each frame by the base in its parts of these splits."""
    tensors = base.state_dict()
    sha256 = hashlib.sha256(weights_as_bytes(tensors)).hexdigest()
    models = frame_models(base, sha256, data.config, experiment.threads)
    rows = read_table(data.warehouse, TRAINING_EXAMPLES.name, data.release, ["gif_id", "uri", "split"])
    rows = rows.filter(pc.is_in(rows["split"], pa.array(splits, pa.string())))
    uris = dict(zip(rows["gif_id"].to_pylist(), rows["uri"].to_pylist(), strict=True))
    features: dict[str, np.ndarray] = {}
    for done, outcome in enumerate(embed_gifs(iter_loaded(uris.items(), data.config.frames), models), start=1):
        if outcome.error is not None:
            _log.warning("%s: its frames teach nothing: %s", outcome.gif_id, outcome.error)
        else:
            assert outcome.frame_features is not None
            features[outcome.gif_id] = outcome.frame_features
        on_progress(done, len(uris))
    parts = {name: _part(data.parts[name], features) for name in splits}
    version = f"{architecture_of(experiment, data.config)}-{sha256[:12]}-tuned"
    return replace(data, parts=data.parts | parts, model_version=version)


def _part(part: Part, features: dict[str, np.ndarray]) -> Part:
    """The part's GIFs that have features, in their order."""
    kept = [row for row, gif_id in enumerate(part.gif_ids) if gif_id in features]
    some = [features[part.gif_ids[row]] for row in kept]
    width = next(iter(features.values())).shape[1]
    found = np.zeros((len(kept), max(map(len, some), default=1), width), np.float32)
    mask = np.zeros(found.shape[:2], bool)
    for row, one in enumerate(some):
        found[row, : len(one)], mask[row, : len(one)] = one, True
    targets = replace(part.targets, values=part.targets.values[kept], is_known=part.targets.is_known[kept])
    return Part([part.gif_ids[row] for row in kept], found, mask, targets)
