"""Experiments from YAML and KEY=VALUE; a mistake is one line that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.experiment_file import experiment_as_yaml, load_experiment, load_experiments


def test_key_value_wins_over_the_file_and_all_else_is_the_default(tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text("targets: raw\nhidden: 64\n")
    assert load_experiment(path, ["hidden=128"]) == Experiment(targets="raw", hidden=128)
    assert load_experiment() == Experiment()


def test_an_experiment_written_as_yaml_is_read_as_itself(tmp_path: Path) -> None:
    path = tmp_path / "experiment.yaml"
    path.write_text(experiment_as_yaml(Experiment(aggregator="gru", seed=3)))
    assert load_experiment(path) == Experiment(aggregator="gru", seed=3)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["target=raw"], "unknown key target; the nearest is targets"),
        (["targets=votes"], "targets is 'votes'"),
        (["dropout=1.5"], "dropout is 1.5"),
        (["dropout=1.5", "epochs=3"], "unknown key epochs; the nearest is max_epochs"),
        (["seed"], "write KEY=VALUE"),
    ],
)
def test_a_mistake_is_named(settings: list[str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        load_experiment(None, settings)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_comparison_names_experiments_with_shared_defaults(tmp_path: Path) -> None:
    path = tmp_path / "compare.yaml"
    path.write_text("defaults: {hidden: 32}\nraw: {targets: raw}\nplain:\n")
    found = load_experiments(path, ["seed=1"])
    assert found == {"raw": Experiment(targets="raw", hidden=32, seed=1), "plain": Experiment(hidden=32, seed=1)}
    path.write_text("raw: 3\n")
    with pytest.raises(InputError, match="raw: an experiment is"):
        load_experiments(path)
    path.write_text("")
    with pytest.raises(InputError, match="no experiment in it"):
        load_experiments(path)
