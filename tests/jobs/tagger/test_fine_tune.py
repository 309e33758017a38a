"""Fine-tuning end to end: what learns, what is measured is what is predicted, and two processes as one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.experts.weight_files import write_weights
from autotag_core.tagger.base.networks import build_base, open_base
from autotag_core.tagger.experiment import Experiment
from autotag_core.tagger.feature_check import check_weights
from autotag_core.tagger.tagger_data import no_progress, open_data
from autotag_core.tagger.tagger_model import load_tagger
from jobs.tagger.predict_files import open_predictor, predict_files
from jobs.tagger.train_tagger import TrainRequest, train_tagger

SHORT = Experiment(
    max_epochs=6, min_examples=3, tune_epochs=1, clip_frames=2, clip_batch=4, trained_blocks=1, base_rate=0.5
)


@pytest.fixture
def small_net(tmp_path: Path) -> Experiment:
    """A base by torchvision's name, with weights in a local file: drawn ones, since none can be downloaded."""
    from torchvision.models import get_model

    torch.manual_seed(5)
    write_weights(get_model("mobilenet_v3_small", weights=None).state_dict(), tmp_path / "net.safetensors")
    return SHORT.model_copy(update={"base": "mobilenet_v3_small", "base_weights": str(tmp_path / "net.safetensors")})


def test_the_last_block_of_the_releases_backbone_learns_and_no_other(small_release: str) -> None:
    experiment = SHORT.model_copy(update={"base": "release"})
    found = train_tagger(TrainRequest(small_release, None, experiment), no_progress)
    model = load_tagger(found.uri)
    assert model.base is not None and model.record.base == "efficientnet_lite0"
    data = open_data(small_release, None, experiment)
    before = open_base(experiment, data.config).state_dict()
    changed = {name for name, tensor in model.base.items() if not torch.equal(tensor, before[name])}
    assert changed and all(name.startswith(("network.model._conv_head", "network.model._bn1")) for name in changed)
    names = {uri.removeprefix(f"{found.uri}/") for uri in storage.list_files(found.uri)}
    assert not any(name.startswith(("head/", "tuning/")) for name in names)
    assert found.num_epochs == 1 and found.measured.metrics.num_gifs == 12
    assert check_where_it_is_asked(small_release, found.uri)


def check_where_it_is_asked(warehouse: str, uri: str) -> bool:
    """A file gets what was measured of it; a night, whose features are others, is told so."""
    predictor, _ = open_predictor(uri, None, 2)
    model = predictor.model
    data = open_data(warehouse, None, Experiment(min_examples=3))
    gif_id = data.parts["test"].gif_ids[0]
    gif = str(Path(warehouse).parent / "gifs" / f"{gif_id}.gif")
    (said,) = predict_files(predictor, [gif], len(model.record.labels), keep_pictures=False)
    assert said.error is None and len(said.tags) == len(model.record.labels)
    with pytest.raises(InputError, match="sees frames with a base of its own"):
        check_weights(model.record, model.record.model_version)
    return True


def test_two_processes_share_an_epoch_and_leave_one_tagger(small_release: str, small_net: Experiment) -> None:
    experiment = small_net.model_copy(update={"processes": 2, "aggregator": "gru"})
    found = train_tagger(TrainRequest(small_release, None, experiment), no_progress)
    assert (found.num_epochs, found.record.dimension, found.record.base) == (1, 576, "mobilenet_v3_small")
    model = load_tagger(found.uri)
    assert model.base is not None
    rebuilt = build_base("mobilenet_v3_small", model.base)
    frames = torch.zeros(2, 3, 64, 64, dtype=torch.uint8)
    assert rebuilt(frames).shape == (2, 576)
    predictor, _ = open_predictor(found.uri, None, 2)
    test_gif = found.measured.probabilities[0]
    data = open_data(small_release, None, Experiment(min_examples=3))
    gif = str(Path(small_release).parent / "gifs" / f"{data.parts['test'].gif_ids[0]}.gif")
    (said,) = predict_files(predictor, [gif], 6, keep_pictures=False)
    wanted = dict(zip(found.record.labels, test_gif, strict=True))
    assert {tag.tag: tag.probability for tag in said.tags} == pytest.approx(wanted, abs=2e-3)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base": "mobilenet_v3_small", "base_weights": None}, "name its weights, a local .safetensors file"),
        ({"base": "mobilenet_v9"}, "no classification model of torchvision"),
        ({"base": "resnet18"}, "these are not weights of resnet18"),
        ({"base": "release", "student": True}, "not with student=true"),
    ],
)
def test_a_base_that_can_not_be_had_is_one_line(
    small_release: str, small_net: Experiment, changes: dict[str, object], said: str
) -> None:
    experiment = small_net.model_copy(update=changes)
    with pytest.raises(InputError, match=said):
        train_tagger(TrainRequest(small_release, None, experiment), no_progress)
