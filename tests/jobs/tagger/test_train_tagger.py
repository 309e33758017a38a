"""A training end to end on a small release: what it leaves, that it repeats, goes on where it stopped, and compares."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autotag_core import storage
from autotag_core.errors import InputError, NotTrainedError
from autotag_core.tables import FRAME_FEATURES, TAGGER_MODELS
from autotag_core.tagger import fitting
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.tagger_data import no_progress
from autotag_core.tagger.tagger_model import load_tagger
from autotag_core.tagger.trained_models import newest_model
from autotag_core.warehouse.own_tables import read_newest
from jobs.tagger.compare_experiments import compare_experiments, heading, line
from jobs.tagger.train_tagger import Trained, TrainRequest, train_tagger

SHORT = Experiment(max_epochs=12, patience=12, min_examples=3)


def trained(warehouse: str, experiment: Experiment = SHORT, resume: bool = False) -> Trained:
    return train_tagger(TrainRequest(warehouse, None, experiment, resume=resume), no_progress)


def test_a_training_leaves_a_whole_run_folder_and_a_row(small_release: str) -> None:
    found = trained(small_release)
    names = {uri.rpartition("/")[2] for uri in storage.list_files(found.uri)}
    assert names >= {
        "experiment.yaml", "labels.json", "epochs.csv", "metrics.json", "curves.png", "confusion.png", "model_card.md",
        "model.safetensors", "model.safetensors.sha256",
    }  # fmt: skip
    assert any(name.startswith("events.out.tfevents") for name in names)
    assert not any(name.endswith(".ckpt") for name in names)
    sha256 = hashlib.sha256(storage.read_bytes(storage.join(found.uri, "model.safetensors"))).hexdigest()
    rows = read_newest(small_release, TAGGER_MODELS)
    assert rows is not None
    (row,) = rows[0].to_pylist()
    assert (row["uri"], row["sha256"], row["run_id"], row["measured_on"]) == (found.uri, sha256, "r1", "test")
    assert (row["num_classes"], row["num_examples"]) == (6, 32)
    assert newest_model(small_release) == found.uri
    assert load_tagger(found.uri).record == found.record
    for name in ("curves.png", "confusion.png"):
        assert storage.read_bytes(storage.join(found.uri, name)).startswith(b"\x89PNG")
    assert "| first tag is right (P@1) |" in storage.read_bytes(storage.join(found.uri, "model_card.md")).decode()


def test_it_learns_colours_from_the_stored_means(small_release: str) -> None:
    found = trained(small_release, Experiment(max_epochs=40, min_examples=3))
    by_label = {one.label: one.average_precision for one in found.measured.metrics.classes}
    assert all(by_label[colour] > 0.9 for colour in ("red", "green", "blue"))
    assert read_newest(small_release, FRAME_FEATURES) is None  # no frame was looked at


def test_the_same_inputs_give_the_same_weights_and_metrics(small_release: str) -> None:
    experiment = SHORT.model_copy(update={"aggregator": "transformer"})
    first, second = trained(small_release, experiment), trained(small_release, experiment)
    assert first.measured.metrics == second.measured.metrics
    models = [storage.read_bytes(storage.join(one.uri, "model.safetensors")) for one in (first, second)]
    assert models[0] == models[1]
    assert trained(small_release, experiment.model_copy(update={"seed": 8})).measured.metrics != first.measured.metrics


def test_frame_features_are_computed_once_for_all_trainings(small_release: str) -> None:
    said: list[tuple[int, int]] = []
    request = TrainRequest(small_release, None, SHORT.model_copy(update={"aggregator": "conv1d"}))
    train_tagger(request, lambda done, total: said.append((done, total)))
    assert said[-1] == (56, 56)
    said.clear()
    train_tagger(
        replace(request, experiment=SHORT.model_copy(update={"aggregator": "gru"})), lambda *one: said.append(one)
    )
    assert said == []
    stored = read_newest(small_release, FRAME_FEATURES)
    assert stored is not None and stored[0].num_rows == 56


def test_a_file_that_has_changed_or_gone_teaches_no_frames(
    small_release: str, caplog: pytest.LogCaptureFixture
) -> None:
    gifs = Path(small_release).parent / "gifs"
    (gifs / "g001.gif").unlink()
    (gifs / "g002.gif").write_bytes((gifs / "g003.gif").read_bytes())
    found = trained(small_release, SHORT.model_copy(update={"aggregator": "conv1d"}))
    assert found.measured.sizes["train"] == 30
    assert "g001: its frames teach nothing: frames: not_found" in caplog.text
    assert "g002: its frames teach nothing: the file has changed" in caplog.text


class StoppedError(Exception):
    pass


def test_a_training_that_stopped_goes_on_to_the_same_model(
    small_release: str, out: str | None, stop_after: Callable[..., None]
) -> None:
    request = TrainRequest(small_release, None, SHORT, out)
    whole = train_tagger(request, no_progress)
    stop_after(5)
    with pytest.raises(StoppedError):
        train_tagger(request, no_progress)
    resumed = train_tagger(replace(request, resume=True), no_progress)
    models = [storage.read_bytes(storage.join(one.uri, "model.safetensors")) for one in (whole, resumed)]
    assert models[0] == models[1]
    assert resumed.num_epochs == whole.num_epochs
    assert not any(name.endswith(".ckpt") for name in storage.list_files(resumed.uri))
    with pytest.raises(InputError, match="no training of this experiment and release has stopped midway"):
        train_tagger(replace(request, resume=True), no_progress)


@pytest.fixture(params=["warehouse", "s3"])
def out(request: pytest.FixtureRequest) -> str | None:
    """Where run folders go: the warehouse, or a bucket."""
    return None if request.param == "warehouse" else f"{request.getfixturevalue('bucket')}/taggers"


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """From then on, the next training stops before the epoch of that number."""

    def stop(epoch: int, error: type[BaseException] = StoppedError) -> None:
        from autotag_core.tagger import learning

        begin = learning.TaggerLearning.on_train_epoch_start

        def start(self: learning.TaggerLearning) -> None:
            if self.current_epoch == epoch and not stopped:
                stopped.append(epoch)
                raise error
            begin(self)

        stopped: list[int] = []
        monkeypatch.setattr(learning.TaggerLearning, "on_train_epoch_start", start)

    return stop


def test_ctrl_c_stops_it_as_it_stops_a_night(small_release: str, stop_after: Callable[..., None]) -> None:
    stop_after(2, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        trained(small_release)


def test_a_student_learns_from_what_a_teacher_says_of_gifs_without_tags(small_release: str) -> None:
    found = trained(small_release, SHORT.model_copy(update={"student": True}))
    assert found.measured.sizes["unlabeled"] == 4
    assert found.measured.metrics != trained(small_release).measured.metrics


def test_a_comparison_is_one_table(small_release: str) -> None:
    experiments = {"raw": SHORT.model_copy(update={"targets": "raw"}), "probability": SHORT}
    lines = [heading(14)]
    request = TrainRequest(small_release, None, SHORT)
    lines += [line(name, one, 14) for name, one in compare_experiments(request, experiments, no_progress)]
    assert [one.split()[0] for one in lines] == ["experiment", "raw", "probability"]
    assert len({len(one) for one in lines}) == 1
    rows = read_newest(small_release, TAGGER_MODELS)
    assert rows is not None
    told = [json.loads(text)["targets"] for text in rows[0]["experiment"].to_pylist()]
    assert sorted(told) == ["probability", "raw"]


def test_the_newest_tagger_is_found_where_the_warehouse_was_moved(small_release: str, tmp_path: Path) -> None:
    found = trained(small_release)
    moved = Path(small_release).rename(tmp_path / "moved")
    assert newest_model(str(moved)) == found.uri.replace(small_release, str(moved))


def test_a_damaged_model_is_refused(small_release: str) -> None:
    found = trained(small_release)
    path = Path(found.uri) / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged: its sha256 is"):
        load_tagger(found.uri)


def test_weights_that_are_no_numbers_are_no_model(small_release: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "_new_head", _broken)
    with pytest.raises(NotTrainedError, match="in no epoch"):
        trained(small_release)


def _broken(train: object, experiment: Experiment) -> object:
    import torch

    from autotag_core.tagger.tagger_head import TaggerHead

    head = TaggerHead(train.features.shape[2], 6, experiment)  # type: ignore[attr-defined]
    torch.nn.init.constant_(head.classes.weight, float("nan"))
    return head
