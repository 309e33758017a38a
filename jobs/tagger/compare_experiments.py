"""Several experiments on one release, side by side: one table of what each is worth."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.tag_metrics import NAMES
from jobs.tagger.train_tagger import Trained, TrainRequest, train_tagger

_HEADS = ("P@1", "P@3", "recall@5", "mAP macro", "mAP micro", "ECE")


def compare_experiments(
    request: TrainRequest, experiments: dict[str, Experiment], on_progress: Callable[[int, int], None]
) -> Iterator[tuple[str, Trained]]:
    """(name, what was trained) of each experiment in turn. Each has a run folder and a row of its own."""
    for name, experiment in experiments.items():
        yield name, train_tagger(replace(request, experiment=experiment), on_progress)


def heading(width: int) -> str:
    """The table's first line."""
    return f"{'experiment':<{width}}" + "".join(f"{head:>17}" for head in _HEADS) + f"{'epochs':>8}{'seconds':>9}"


def line(name: str, trained: Trained, width: int) -> str:
    """A line of the table: each measure with its 95% interval."""
    measures = trained.measured.metrics.measures
    cells = (f"{measures[one].value:.3f} {measures[one].low:.2f}-{measures[one].high:.2f}" for one in NAMES)
    return (
        f"{name:<{width}}"
        + "".join(f"{cell:>17}" for cell in cells)
        + f"{trained.num_epochs:>8}{trained.seconds:>9.1f}"
    )


def as_json(name: str, trained: Trained) -> str:
    """One JSON object: the experiment, where its tagger is, and its measures with their intervals."""
    measures = trained.measured.metrics.measures
    return json.dumps(
        {
            "experiment": name,
            "uri": trained.uri,
            "measured_on": trained.measured.split,
            "num_gifs": trained.measured.metrics.num_gifs,
            "seconds": round(trained.seconds, 2),
            "epochs": trained.num_epochs,
            **{one: [measures[one].value, measures[one].low, measures[one].high] for one in NAMES},
        }
    )
