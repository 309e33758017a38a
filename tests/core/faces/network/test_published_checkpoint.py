"""Files in the layout of the published checkpoint, made here, with random tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from autotag_core.errors import InputError
from autotag_core.faces.network.face_model import write_face_model
from autotag_core.faces.network.face_network import FaceNetwork
from autotag_core.faces.network.published_checkpoint import convert_checkpoint, read_labels
from autotag_core.faces.network.trained_embedder import load_trained

LABELS = "Labels,Index\nBrad_Pitt_[m.0c6qh],0\nCiara_[m.03h_0_z],1\nZoe_[g.11_a],2\n"


def published_state(num_people: int = 3) -> dict[str, Any]:
    """As its trainer saved it in 2018, when a layer did not count its batches."""
    torch.manual_seed(1)
    tensors = FaceNetwork("resnet18", num_people).state_dict()
    state = {f"model.{name}": tensor for name, tensor in tensors.items() if name != "centers"}
    state = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    return state | {"center_loss_criterion.centers": tensors["centers"]}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    (tmp_path / "labels.csv").write_text(LABELS)
    return tmp_path / "labels.csv"


@pytest.mark.parametrize("is_bare", [False, True])
def test_a_checkpoint_becomes_an_embedder_with_its_tensors(tmp_path: Path, labels: Path, is_bare: bool) -> None:
    state = published_state()
    whole = {"epoch": 3, "loss": 0.5, "optimizer_state": {"state": {}}, "model_state": state}
    torch.save(state if is_bare else whole, tmp_path / "best_model_states.pkl")
    record, tensors = convert_checkpoint(tmp_path / "best_model_states.pkl", labels)
    assert (record.stem, record.side, record.margin, record.source) == ("resnet18", 224, 0.2, "converted")
    assert [(one.person_id, one.name) for one in record.people] == [
        ("m.0c6qh", "Brad Pitt"),
        ("m.03h_0_z", "Ciara"),
        ("g.11_a", "Zoe"),
    ]
    assert torch.equal(tensors["fc1.weight"], state["model.fc1.weight"])
    write_face_model(str(tmp_path / "out"), record, tensors, {})
    chip = np.random.default_rng(0).integers(0, 255, (224, 224, 3), dtype=np.uint8)
    network = FaceNetwork("resnet18", 3).eval()
    network.load_state_dict(tensors)
    with torch.inference_mode():
        wanted = network.embed(torch.from_numpy(chip).permute(2, 0, 1)[None].float() / 255)[0].numpy()
    found = load_trained(str(tmp_path / "out")).embed([chip])[0]
    assert found / np.linalg.norm(found) == pytest.approx(wanted / np.linalg.norm(wanted), abs=1e-5)


@pytest.mark.parametrize("key", ["model.fc1.weight", "model.fc2.bias", "center_loss_criterion.centers"])
def test_a_missing_key_is_named(tmp_path: Path, labels: Path, key: str) -> None:
    state = published_state()
    del state[key]
    torch.save({"model_state": state}, tmp_path / "c.pkl")
    with pytest.raises(InputError, match=f"{key} is missing"):
        convert_checkpoint(tmp_path / "c.pkl", labels)


def test_a_missing_tensor_or_block_of_the_stem_is_named(tmp_path: Path, labels: Path) -> None:
    state = published_state()
    del state["model.stem.1.bias"]
    torch.save(state, tmp_path / "c.pkl")
    with pytest.raises(InputError, match=r"stem\.1\.bias is missing"):
        convert_checkpoint(tmp_path / "c.pkl", labels)
    torch.save({name: one for name, one in state.items() if ".stem.7.1." not in name}, tmp_path / "c.pkl")
    with pytest.raises(InputError, match="its layers have 2, 2, 2, 1 blocks"):
        convert_checkpoint(tmp_path / "c.pkl", labels)


def test_labels_and_checkpoint_must_have_the_same_people(tmp_path: Path, labels: Path) -> None:
    torch.save(published_state(4), tmp_path / "c.pkl")
    with pytest.raises(InputError, match=r"3 people, but .*c.pkl tells 4 apart"):
        convert_checkpoint(tmp_path / "c.pkl", labels)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("run",)


@pytest.mark.parametrize("content", ["nothing", "text", "code", "list"])
def test_what_is_no_checkpoint_is_refused_and_runs_no_code(
    tmp_path: Path, labels: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.pkl"
    if content == "text":
        path.write_bytes(b"no pickle")
    elif content != "nothing":
        torch.save(Bomb() if content == "code" else [1], path)
    said = r"checkpoint .*c\.pkl: (No such file|it is damaged or holds code|it must map)"
    with pytest.raises(InputError, match=said) as caught:
        convert_checkpoint(path, labels)
    assert "weights_only" not in str(caught.value)
    assert "run" not in capsys.readouterr().out


def test_classes_are_the_indices_or_else_the_order_of_the_labels(tmp_path: Path) -> None:
    file = tmp_path / "l.csv"
    file.write_text("B_[m.b],1\nA_[m.a],2\nC_[m.c],0\n")
    assert [one.person_id for one in read_labels(file)] == ["m.c", "m.b", "m.a"]
    file.write_text("name,tag\nB_[m.b],5100\nA_[m.a],77\n")
    assert [one.person_id for one in read_labels(file)] == ["m.a", "m.b"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Labels,Index\nAnn_[m.1]\n", "line 2: write Name_"),
        ("Ann_[m.1],0\nBob_[m.2],x\n", "line 2: write Name_"),
        ("Ann_[m.1],0\nBob_[m.1],1\n", "two lines have one id"),
    ],
)
def test_labels_of_another_form_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "l.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        read_labels(tmp_path / "l.csv")
