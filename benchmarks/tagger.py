"""What the voted dataset is worth to a tagger: `python -m benchmarks.tagger WHAT WAREHOUSE TRUTH [...]`.

Each WAREHOUSE is of a night with a list of test GIFs. TRUTH says which tags are right (`autotag sample` writes both).
Nothing is written into the warehouse but features of frames. WHAT is one of:

- `targets`: heads on the mean of frames, taught raw tags, published confidences, probabilities, and the truth itself:
  P@1 and mAP macro on test GIFs, and the share of the gap between raw tags and truth that each closes.
- `aggregators`: each aggregator, taught probabilities: also P@1 among motion tags, of GIFs that have one (TRUTH names
  factors), and the time from the release to the metrics.
- `choices`: losses, weights of what is unlabeled, class weights and a student, each against the default.

Figures are means over --seeds of the training. --set KEY=VALUE holds for every experiment.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from autotag_core.evaluation import read_truth
from autotag_core.splits import TRAIN
from autotag_core.tagger.aggregators import SEQUENCES
from autotag_core.tagger.example_targets import ROWS, target_matrix
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.experiment_file import experiment_of, load_experiment
from autotag_core.tagger.fitting import Workplace, fit_tagger
from autotag_core.tagger.measuring import measure_tagger, tagger_record
from autotag_core.tagger.tagger_data import TaggerData, no_progress, open_data

TRUE = "truth"
CHOICES: dict[str, dict[str, object]] = {
    "default": {},
    "asymmetric": {"loss": "asymmetric"},
    "focal": {"loss": "focal"},
    "unlabeled .5": {"unlabeled_weight": 0.5},
    "unlabeled .1": {"unlabeled_weight": 0.1},
    "balanced": {"class_weights": "balanced"},
    "hidden 256": {"hidden": 256},
    "student": {"student": True},
}
Row = dict[str, float]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["targets", "aggregators", "choices"])
    parser.add_argument("places", nargs="+", metavar="WAREHOUSE TRUTH")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    options = parser.parse_args()
    if len(options.places) % 2:
        parser.error("give a TRUTH after each WAREHOUSE")
    base = load_experiment(None, options.settings)
    heads = f"{'P@1':>7}{'mAP':>7}{'motion':>8}{'ECE':>7}{'gap P@1':>9}{'gap mAP':>9}{'s':>7}"
    print(f"{'catalog':<24}{'experiment':<18}{heads}")
    for warehouse, truth in zip(options.places[::2], options.places[1::2], strict=True):
        rows: dict[str, Row] = {}
        for name, experiment in in_order(experiments_of(options.what, base)):
            rows[name] = mean_of(warehouse, truth, experiment, name == TRUE, options.seeds)
            print(line(Path(warehouse).name, name, rows), flush=True)


def in_order(experiments: Iterable[tuple[str, Experiment]]) -> list[tuple[str, Experiment]]:
    """The truth comes right after raw tags: what lies between is shown as a share of their gap."""
    return sorted(experiments, key=lambda one: {"raw": 0, TRUE: 1}.get(one[0], 2))


def experiments_of(what: str, base: Experiment) -> Iterable[tuple[str, Experiment]]:
    """The experiments by name."""
    if what == "targets":
        for kind in ("raw", "published", "probability"):
            yield kind, base.model_copy(update={"targets": kind})
        yield TRUE, base
    elif what == "aggregators":
        for name in ("mean_features", "mean_predictions", *SEQUENCES):
            yield name, base.model_copy(update={"aggregator": name})
    else:
        for name, values in CHOICES.items():
            yield name, experiment_of({**base.model_dump(), **values})


def mean_of(warehouse: str, truth: str, experiment: Experiment, is_taught_truth: bool, num_seeds: int) -> Row:
    """The means of what one experiment measures over seeds."""
    rows = [
        measured(warehouse, truth, experiment.model_copy(update={"seed": experiment.seed + at}), is_taught_truth)
        for at in range(num_seeds)
    ]
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def measured(warehouse: str, truth: str, experiment: Experiment, is_taught_truth: bool) -> Row:
    """One training, measured against the truth."""
    known, motions = truth_rows(truth)
    open_data(warehouse, None, experiment, no_progress)  # features of frames are computed here, outside of the time
    start = time.perf_counter()
    data = open_data(warehouse, None, experiment, no_progress)
    if is_taught_truth:
        data = with_truth(data, known)
    with tempfile.TemporaryDirectory() as folder:
        fitted = fit_tagger(data, experiment, Workplace(Path(folder)))
    found = measure_tagger(data, tagger_record(data, experiment, fitted), fitted, known)
    seconds = time.perf_counter() - start
    at = [place for place, label in enumerate(data.classes) if label in motions]
    moving = found.is_right[:, at].any(axis=1) if at else np.zeros(len(found.is_right), bool)
    chosen = found.probabilities[np.ix_(moving, at)].argmax(axis=1) if moving.any() else np.zeros(0, int)
    right = found.is_right[np.ix_(moving, at)][np.arange(len(chosen)), chosen] if moving.any() else np.array([np.nan])
    return {**found.metrics.values(), "motion": float(right.mean()), "seconds": seconds}


def truth_rows(uri: str) -> tuple[pa.Table, set[str]]:
    """(ROWS of the truth, the tags that it gives as motions)."""
    rows = read_truth(uri).to_pylist()
    pairs = [(row["gif_id"], tag, 1.0) for row in rows for tag in row["tags"]]
    motions = {tag for row in rows for one in row["factors"] or () if one["factor"] == "motion" for tag in one["tags"]}
    return pa.Table.from_arrays([pa.array(column) for column in zip(*pairs, strict=True)], ROWS.names).cast(
        ROWS
    ), motions


def with_truth(data: TaggerData, known: pa.Table) -> TaggerData:
    """The data with the truth in place of what the train GIFs are taught: the ceiling."""
    train = data.parts[TRAIN]
    taught = replace(train, targets=target_matrix(known, train.gif_ids, data.classes))
    return replace(data, parts={**data.parts, TRAIN: taught})


def line(catalog: str, name: str, rows: dict[str, Row]) -> str:
    """A line of the table. The gaps are shown where raw tags and truth were taught before."""
    row = rows[name]
    gaps = ["-", "-"]
    if {"raw", TRUE} <= rows.keys():
        gaps = [f"{_gap(row[key], rows['raw'][key], rows[TRUE][key]):.2f}" for key in ("p_at_1", "map_macro")]
    cells = f"{row['p_at_1']:>7.3f}{row['map_macro']:>7.3f}{row['motion']:>8.3f}{row['ece']:>7.3f}"
    return f"{catalog:<24}{name:<18}{cells}{gaps[0]:>9}{gaps[1]:>9}{row['seconds']:>7.1f}"


def _gap(value: float, raw: float, true: float) -> float:
    return (value - raw) / (true - raw) if true != raw else float("nan")


if __name__ == "__main__":
    main()
