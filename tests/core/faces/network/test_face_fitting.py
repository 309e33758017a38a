"""Trainings of small networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from autotag_core.errors import InputError
from autotag_core.experts.weight_files import write_weights
from autotag_core.faces.gallery import KNOWN_DISTANCE
from autotag_core.faces.network.face_fitting import FaceExperiment, FittedFaces, fit_faces, limit_of
from autotag_core.faces.network.face_model import MODEL, read_face_model, write_face_model
from autotag_core.faces.network.face_model_files import face_record, training_files
from autotag_core.faces.network.face_pictures import FacePictures
from autotag_core.faces.network.trained_embedder import load_trained

SMALL = FaceExperiment(stem="resnet18", side=32, epochs=5)


@pytest.fixture(scope="module")
def fitted(drawn: FacePictures) -> FittedFaces:
    return fit_faces(drawn, SMALL)


def test_a_network_learns_to_tell_drawn_people_apart(fitted: FittedFaces) -> None:
    assert len(fitted.epochs) == 5
    assert fitted.num_watched == 12
    assert fitted.epochs[fitted.best_epoch]["validation_top_1"] >= 0.5  # chance is 0.17
    assert fitted.best_epoch == min(range(5), key=lambda at: fitted.epochs[at]["validation_loss"])


def test_equal_seeds_give_equal_networks(fitted: FittedFaces, drawn: FacePictures) -> None:
    few = replace_epochs(2)
    first, second = (fit_faces(drawn, few) for _ in range(2))
    assert first.epochs == second.epochs
    other = fit_faces(drawn, few.model_copy(update={"seed": 8}))
    assert other.epochs[0]["train_loss"] != first.epochs[0]["train_loss"]


def replace_epochs(epochs: int) -> FaceExperiment:
    return SMALL.model_copy(update={"epochs": epochs})


def test_its_folder_is_an_embedder_whose_limit_is_that_of_the_default(
    fitted: FittedFaces, drawn: FacePictures, tmp_path: Path
) -> None:
    record = face_record(drawn, SMALL, fitted)
    sha256 = write_face_model(str(tmp_path), record, fitted.network.state_dict(), training_files(drawn, SMALL, fitted))
    names = {"config.json", "curves.png", "epochs.csv", "experiment.json", "labels.csv", "model_card.md", MODEL}
    assert {path.name for path in tmp_path.iterdir()} == names | {f"{MODEL}.sha256"}
    assert (tmp_path / "labels.csv").read_text().splitlines()[:2] == ["index,person_id,name", "0,p0,Person 0"]
    embedder = load_trained(str(tmp_path))
    assert embedder.model_version == f"resnet18-{sha256[:16]}-mtcnn"
    vectors = embedder.embed(list(drawn.chips))
    assert vectors.shape == (60, 256)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(fitted.scale, rel=1e-4)
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    same = drawn.owners[:, None] == drawn.owners[None]
    assert apart[same].mean() < KNOWN_DISTANCE < apart[~same].mean()
    assert embedder.embed([]).shape == (0, 256)


def test_a_damaged_or_strange_model_is_refused(fitted: FittedFaces, drawn: FacePictures, tmp_path: Path) -> None:
    write_face_model(str(tmp_path), face_record(drawn, SMALL, fitted), fitted.network.state_dict(), {})
    (tmp_path / f"{MODEL}.sha256").write_text("0000  model.safetensors\n")
    with pytest.raises(InputError, match="damaged: its sha256"):
        read_face_model(str(tmp_path))
    (tmp_path / f"{MODEL}.sha256").unlink()
    write_weights({"a": torch.zeros(1)}, tmp_path / MODEL)
    with pytest.raises(InputError, match="not a network for faces"):
        read_face_model(str(tmp_path))
    with pytest.raises(InputError, match="train one with"):
        read_face_model(str(tmp_path / "absent"))


def test_a_network_starts_from_a_local_file_and_not_from_one_of_another_network(
    drawn: FacePictures, tmp_path: Path
) -> None:
    torch.manual_seed(3)
    stem = torchvision.models.resnet18()
    write_weights(stem.state_dict(), tmp_path / "start.safetensors")
    started = fit_faces(drawn, replace_epochs(1).model_copy(update={"weights": str(tmp_path / "start.safetensors")}))
    moved = (started.network.state_dict()["stem.0.weight"] - stem.conv1.weight.detach()).abs().max()
    assert 0 < float(moved) < 0.02  # six steps of Adam at a rate of .001: .0032 each at most
    wrong = replace_epochs(1).model_copy(update={"stem": "resnet34", "weights": str(tmp_path / "start.safetensors")})
    with pytest.raises(InputError, match=r"not those of resnet34: layer1\.2\.conv1\.weight"):
        fit_faces(drawn, wrong)


def test_the_limit_lies_between_ones_own_pictures_and_those_of_others(
    drawn: FacePictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Embeddings on a circle: own pictures are 0.2 of a radian away, others 2."""
    angles = {0: 0.0, 1: 0.2, 2: 2.0, 3: 2.2}
    vectors = np.array([[np.cos(angle), np.sin(angle)] for angle in angles.values()])
    monkeypatch.setattr("autotag_core.faces.network.face_fitting.embed_chips", lambda *_: vectors)
    pictures = replace(drawn, people=drawn.people[:2], chips=drawn.chips[:4], owners=np.array([0, 0, 1, 1]))
    limit = limit_of(None, pictures, np.array([False, True, False, True]))  # type: ignore[arg-type]
    own, other = 2 * np.sin(0.1), 2 * np.sin(0.9)  # the nearest other: from 0.2 to 2
    assert limit == pytest.approx((own + other) / 2)
