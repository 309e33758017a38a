"""Which head the settings mean: a given one is checked, a trained one has a name that follows what it depends on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from autotag_core.config import Config
from autotag_core.config.file import load_config
from autotag_core.errors import InputError
from autotag_core.experts import EXPERTS, HeadRecord, RelationHead, given_head, save_head, trained_head_name
from autotag_core.experts.temporal.relations import MultiScaleRelations

LITE0 = "efficientnet_lite0-579344248a93-onnxruntime-fp32"


def saved(folder: Path, backbone_version: str) -> str:
    record = HeadRecord(
        feature_dim=1280,
        num_segments=3,
        bottleneck=5,
        num_classes=2,
        backbone="imagenet",
        backbone_version=backbone_version,
    )
    torch.manual_seed(1)
    uri = str(folder / "head.safetensors")
    save_head(RelationHead(record, MultiScaleRelations(1280, 3, 5, 2)), uri)
    return uri


def test_a_trained_head_is_named_after_all_that_it_depends_on() -> None:
    name = trained_head_name(load_config(None, []))
    settings = ("seed=8", "temporal.num_segments=4", "frames.num_frames=8", "frames.sampling=index")
    changed = {trained_head_name(load_config(None, [setting])) for setting in settings}
    for constant in ("bottleneck", "max_relations", "projection", "max_training_gifs"):
        temporal = Config().temporal.model_copy(update={constant: 2})
        changed.add(trained_head_name(Config().model_copy(update={"temporal": temporal})))
    assert len(changed | {name}) == 9
    assert name.startswith("temporal-") and len(name) == len("temporal-012345678901.safetensors")
    for setting in ("neighbors.k=50", "temporal.retrain=true", "frames.fetch_threads=2"):
        assert trained_head_name(load_config(None, [setting])) == name, setting


def test_without_a_head_the_job_trains_one_and_its_dimension_follows_from_the_settings() -> None:
    config = load_config(None, ["temporal.num_segments=4"])
    assert given_head(config) is None
    assert EXPERTS["temporal"].model_version(config) is None
    assert EXPERTS["temporal"].dimension(config) == 3 * 64
    with pytest.raises(InputError, match=r"/nowhere/x\.safetensors: No such file"):
        EXPERTS["temporal"].model_version(load_config(None, ["imagenet.weights=/nowhere/x.safetensors"]))


def test_a_given_head_says_its_own_version_and_dimension(tmp_path: Path) -> None:
    config = load_config(None, [f"temporal.weights={saved(tmp_path, LITE0)}"])
    head = given_head(config)
    assert head is not None
    assert EXPERTS["temporal"].model_version(config) == head.version
    assert EXPERTS["temporal"].dimension(config) == 10


def test_a_given_head_of_another_backbone_or_that_is_missing_is_refused(tmp_path: Path) -> None:
    other = load_config(None, [f"temporal.weights={saved(tmp_path, 'resnet50-1-fp32')}"])
    with pytest.raises(InputError, match=rf"was trained on features of resnet50-1-fp32, not of {LITE0}"):
        EXPERTS["temporal"].model_version(other)
    gone = load_config(None, [f"temporal.weights={tmp_path}/gone.safetensors"])
    with pytest.raises(InputError, match=r"gone\.safetensors: there is no such file"):
        EXPERTS["temporal"].model_version(gone)
    assert EXPERTS["temporal"].dimension(gone) == 448, "what the settings say, where the file does not"
    with pytest.raises(InputError, match=r"set temporal\.moments_weights"):
        EXPERTS["temporal"].model_version(load_config(None, ["temporal.backbone=moments"]))
