"""Bases by torchvision's names: what their last block is, what they give, and what stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torchvision.models import get_model

from autotag_core.config import Config
from autotag_core.errors import InputError
from autotag_core.experts.weight_files import write_weights
from autotag_core.tagger.base.networks import BaseNetwork, build_base, open_base
from autotag_core.tagger.experiment import Experiment


def opened(name: str, folder: Path) -> BaseNetwork:
    torch.manual_seed(3)
    path = folder / f"{name}.safetensors"
    write_weights(get_model(name, weights=None).state_dict(), path)
    return open_base(Experiment(base=name, base_weights=str(path)), Config())


@pytest.mark.parametrize(
    ("name", "dimension", "last"),
    [
        ("mobilenet_v3_small", 576, "network.model.features.12."),
        ("shufflenet_v2_x0_5", 1024, "network.model.conv5."),
    ],
)
def test_only_the_last_block_learns_and_batch_norm_keeps_its_statistics(
    tmp_path: Path, name: str, dimension: int, last: str
) -> None:
    base = opened(name, tmp_path)
    assert base.form.dimension == dimension
    learning = base.train_last(1)
    named = [key for key, parameter in base.named_parameters() if parameter.requires_grad]
    assert len(named) == len(learning) > 0 and all(key.startswith(last) for key in named)
    before = {key: one.clone() for key, one in base.state_dict().items()}
    frames = torch.randint(0, 255, (2, 3, 3, 64, 64), dtype=torch.uint8)
    mask = torch.tensor([[True, True, False], [True, False, False]])
    features = base.train().features(frames, mask)
    assert features.shape == (2, 3, dimension) and not features[~mask].any()
    features.sum().backward()
    assert all(parameter.grad is not None for parameter in learning)
    assert all(torch.equal(one, before[key]) for key, one in base.state_dict().items())
    assert len(base.train_last(1000)) == len(list(base.parameters()))
    again = build_base(name, base.state_dict())
    assert torch.equal(again.eval()(frames[0]), base.eval()(frames[0]))


def test_what_can_be_no_base_is_one_line() -> None:
    wrong = {"googlenet": "its classifier can't be taken off", "deeplabv3_resnet50": "no classification model"}
    for name, said in wrong.items():
        with pytest.raises(InputError, match=said):
            build_base(name, {})
    config = Config()
    local = config.model_copy(update={"imagenet": config.imagenet.model_copy(update={"backbone": "local"})})
    with pytest.raises(InputError, match=r"imagenet\.backbone=local can't be fine-tuned"):
        open_base(Experiment(base="release"), local)
