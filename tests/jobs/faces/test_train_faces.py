"""`autotag faces train` and `convert`: networks that enroll and find takes by --model."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from autotag_core.errors import InputError
from autotag_core.faces.network.face_network import FaceNetwork
from jobs.commands.app import app


def run(*words: object) -> list[str]:
    result = CliRunner().invoke(app, ["faces", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def refusal(*words: object) -> str:
    error = CliRunner().invoke(app, ["faces", *map(str, words)]).exception
    assert isinstance(error, InputError)
    return str(error)


@pytest.fixture
def folder(shared_data: Path) -> Path:
    if not (shared_data / "faces").is_dir():
        pytest.skip("no real faces")
    return shared_data / "faces"


def people(file: Path, folder: Path, num_people: int, num_pictures: int) -> Path:
    """A CSV file of the first pictures of the first people."""
    rows = [
        f"s{at},{folder / f's{at}' / f'{number}.png'}"
        for at in range(1, num_people + 1)
        for number in range(1, num_pictures + 1)
    ]
    file.write_text("\n".join(["name,picture", *rows, ""]))
    return file


def test_a_network_learns_real_people_and_a_gallery_names_it(folder: Path, tmp_path: Path) -> None:
    out, gallery = tmp_path / "net", tmp_path / "gallery"
    made = ("--stem", "resnet18", "--side", 32, "--epochs", 10)
    learned = people(tmp_path / "learned.csv", folder, 8, 9)
    said = run("train", "--people", learned, "--out", out, *made)
    assert f"{out}: 8 people, 72 pictures, best in epoch" in said[-1]
    rows = list(csv.DictReader((out / "epochs.csv").open()))
    assert len(rows) == 10
    best = min(rows, key=lambda row: float(row["validation_loss"]))
    assert float(best["validation_top_1"]) >= 0.5  # chance is 0.125
    assert "there already" in refusal("train", "--people", learned, "--out", out)

    enrolled = people(tmp_path / "enrolled.csv", folder, 1, 1)
    run("enroll", "--people", enrolled, "--gallery", gallery, "--model", out)
    assert run("list", "--gallery", gallery)[0] == "s1 (s1): 1 pictures"
    picture = folder / "s1" / "1.png"
    (found,) = run("find", picture, "--gallery", gallery, "--model", out, "--json")
    assert [one["name"] for one in json.loads(found)["people"]] == ["s1"]
    assert "made with resnet18-" in refusal("find", picture, "--gallery", gallery)
    assert "made with resnet18-" in refusal("enroll", "--people", enrolled, "--gallery", gallery)


def test_a_published_checkpoint_is_converted_and_names_itself(tmp_path: Path) -> None:
    tensors = FaceNetwork("resnet18", 2).state_dict()
    state = {f"model.{name}": tensor for name, tensor in tensors.items() if name != "centers"}
    torch.save({"model_state": state | {"center_loss_criterion.centers": tensors["centers"]}}, tmp_path / "c.pkl")
    (tmp_path / "labels.csv").write_text("Labels,Index\nAnn_Lee_[m.1],0\nBob_[m.2],1\n")
    words = ("convert", "--checkpoint", tmp_path / "c.pkl", "--labels", tmp_path / "labels.csv")
    out = tmp_path / "net"
    (said,) = run(*words, "--out", out)
    assert said.startswith(f"{out}: resnet18, 2 people, sha256 ")
    assert (out / "labels.csv").read_text() == "index,person_id,name\n0,m.1,Ann Lee\n1,m.2,Bob\n"
    assert json.loads((out / "config.json").read_text())["source"] == "converted"
    assert "there already" in refusal(*words, "--out", out)


def test_one_person_and_a_folder_without_a_network_are_refused(folder: Path, tmp_path: Path) -> None:
    one = people(tmp_path / "one.csv", folder, 1, 1)
    assert "1 people with a face" in refusal("train", "--people", one, "--out", tmp_path / "net")
    words = ("--gallery", tmp_path / "gallery", "--model", tmp_path / "net")
    assert "no model.safetensors there" in refusal("enroll", "--people", one, *words)


def test_wrong_weights_and_places_are_refused_before_faces_are_looked_for(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.faces.train_faces.read_pictures", None)
    words = ("train", "--people", people(tmp_path / "two.csv", folder, 2, 2), "--stem", "resnet18")
    assert "No such file" in refusal(*words, "--out", tmp_path / "net", "--weights", tmp_path / "a.safetensors")
    assert not (tmp_path / "net").exists()
    assert "two.csv" in refusal(*words, "--out", tmp_path / "two.csv" / "net")
