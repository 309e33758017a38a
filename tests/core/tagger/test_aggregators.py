"""Masked frames never count, order counts where it should, and a GIF may have one frame."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from autotag_core.tagger.aggregators import FrameProjection, frames_first, masked_mean, time_positions
from autotag_core.tagger.experiment import OVER_MEANS, Aggregator, Experiment
from autotag_core.tagger.tagger_head import TaggerHead

DIMENSION, CLASSES = 160, 5
ALL: tuple[Aggregator, ...] = get_args(Aggregator)
ORDERED = [name for name in ALL if name not in (*OVER_MEANS, "mean_predictions")]


def head(name: Aggregator) -> TaggerHead:
    torch.manual_seed(1)
    made = TaggerHead(DIMENSION, CLASSES, Experiment(aggregator=name)).eval()
    features = torch.rand(12, 6, DIMENSION)
    made.start_from(features, torch.ones(12, 6, dtype=torch.bool), torch.full((CLASSES,), 0.2))
    torch.nn.init.normal_(made.classes.weight)
    return made


@pytest.mark.parametrize("name", ALL)
def test_what_a_masked_frame_holds_changes_no_logit(name: Aggregator) -> None:
    features = torch.rand(3, 6, DIMENSION)
    mask = torch.tensor([[1, 1, 1, 1, 0, 0], [0, 1, 0, 1, 1, 0], [1, 0, 0, 0, 0, 0]], dtype=torch.bool)
    other = torch.where(mask[..., None], features, 1e3 * torch.rand_like(features))
    made = head(name)
    with torch.inference_mode():
        assert torch.allclose(made(features, mask), made(other, mask), atol=1e-4)


@pytest.mark.parametrize("name", ALL)
def test_padding_and_gaps_change_nothing(name: Aggregator) -> None:
    made, features = head(name), torch.rand(1, 3, DIMENSION)
    spread = torch.zeros(1, 7, DIMENSION)
    spread[:, [0, 2, 5]] = features
    mask = torch.tensor([[1, 0, 1, 0, 0, 1, 0]], dtype=torch.bool)
    with torch.inference_mode():
        alone = made(features, torch.ones(1, 3, dtype=torch.bool))
        assert torch.allclose(alone, made(spread, mask), atol=1e-4)


@pytest.mark.parametrize("name", ALL)
def test_the_order_of_frames_counts_for_sequences_alone(name: Aggregator) -> None:
    made, features, mask = head(name), torch.rand(2, 6, DIMENSION), torch.ones(2, 6, dtype=torch.bool)
    with torch.inference_mode():
        is_same = torch.allclose(made(features, mask), made(features.flip(1), mask), atol=1e-4)
    assert is_same == (name not in ORDERED)


@pytest.mark.parametrize("name", ALL)
def test_a_frame_speaks_as_a_gif_of_it_alone_would(name: Aggregator) -> None:
    made, features = head(name), torch.rand(1, 4, DIMENSION)
    with torch.inference_mode():
        by_frame = made.frame_logits(features, torch.ones(1, 4, dtype=torch.bool))
        alone = made(features[:, 2:3], torch.ones(1, 1, dtype=torch.bool))
    assert by_frame.shape == (1, 4, CLASSES)
    assert torch.allclose(by_frame[:, 2], alone, atol=1e-4)


def test_before_learning_every_class_has_the_share_of_the_train_gifs() -> None:
    made = TaggerHead(DIMENSION, CLASSES, Experiment()).eval()
    features, mask = torch.rand(4, 2, DIMENSION), torch.ones(4, 2, dtype=torch.bool)
    made.start_from(features, mask, torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]))
    assert torch.allclose(made(features, mask).sigmoid()[0], torch.tensor([0.1, 0.2, 0.3, 0.4, 0.5]))


def test_the_mean_over_frames_that_are_there() -> None:
    values = torch.tensor([[[2.0], [4.0], [9.0]], [[5.0], [7.0], [1.0]]])
    mask = torch.tensor([[True, True, False], [False, False, False]])
    assert masked_mean(values, mask).tolist() == [[3.0], [0.0]]


def test_frames_that_are_there_come_first_in_their_order() -> None:
    values = torch.tensor([[[1.0], [2.0], [3.0]]])
    moved, there = frames_first(values, torch.tensor([[False, True, True]]))
    assert (moved.tolist(), there.tolist()) == ([[[2.0], [3.0], [0.0]]], [[True, True, False]])


def test_the_places_of_a_gif_run_from_its_first_to_its_last_frame_however_many_it_has() -> None:
    short, long = torch.ones(1, 3, dtype=torch.bool), torch.ones(1, 9, dtype=torch.bool)
    three, nine = time_positions(short, 8), time_positions(long, 8)
    assert torch.allclose(three[0, 1], nine[0, 4]) and torch.allclose(three[0, 2], nine[0, 8])


def test_a_projection_starts_at_the_axis_along_which_frames_differ() -> None:
    made = FrameProjection(DIMENSION)
    frames = torch.full((1, 8, DIMENSION), 0.1)
    frames[0, :, 7] += torch.linspace(0, 1, 8)
    mask = torch.ones(1, 8, dtype=torch.bool)
    made.start_from(frames, mask)
    projected = made(torch.nn.functional.normalize(frames, dim=-1), mask)[0]
    assert projected[:, 0].diff().gt(0).all()  # the first number rises with the time
    assert projected[:, 1:].abs().max() < 0.5 * projected[:, 0].abs().max()
