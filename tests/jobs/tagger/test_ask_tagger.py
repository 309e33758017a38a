"""Which tagger a night asks, and what it says where it asks none. tests/integration has nights that ask one."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.config.file import load_config
from autotag_core.errors import InputError
from autotag_core.experts import model_versions
from autotag_core.tagger.experiment import Aggregator, Experiment
from autotag_core.tagger.tagger_data import no_progress
from jobs.tagger.ask_tagger import find_tagger
from jobs.tagger.train_tagger import TrainRequest, train_tagger


def train(place: str, aggregator: Aggregator) -> str:
    experiment = Experiment(max_epochs=3, min_examples=3, aggregator=aggregator)
    return train_tagger(TrainRequest(place, "r1", experiment), no_progress).uri


def test_without_a_tagger_a_night_says_why_it_asks_none(tmp_path: Path) -> None:
    asked = load_config(None, ["tagger.predict=true"])
    assert find_tagger(str(tmp_path), load_config(), {"imagenet": "x"}) == (None, "")
    model, note = find_tagger(str(tmp_path), asked, {"imagenet": "x"})
    assert model is None and note.startswith("asked nothing: ") and "no tagger was trained here" in note


def test_a_night_asks_the_newest_that_fits_and_a_named_one_must_fit(small_release: str, tmp_path: Path) -> None:
    over_frames = train(small_release, "conv1d")
    for settings, said in [
        ((f"tagger.model={tmp_path / 'none'}",), "there is no such file"),
        ((f"tagger.model={over_frames}", "experts=[semantic]"), "the expert imagenet, which is not among `experts`"),
        ((f"tagger.model={over_frames}", "experts=[imagenet]"), "kept for the expert temporal"),
        ((f"tagger.model={over_frames}", "frames.num_frames=8"), "trained with frames.num_frames=16, here it is 8"),
    ]:
        config = load_config(None, ["tagger.predict=true", *settings])
        with pytest.raises(InputError, match=said):
            find_tagger(small_release, config, model_versions(config))
    config = load_config(None, ["tagger.predict=true", "experts=[imagenet]"])
    model, note = find_tagger(small_release, config, model_versions(config))
    assert model is None and "kept for the expert temporal" in note
    over_means = train(small_release, "mean_features")
    model, note = find_tagger(small_release, config, model_versions(config))
    assert model is not None and note == over_means and model.name.startswith(over_means.rpartition("/")[2])
