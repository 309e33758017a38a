"""What each loss costs, by hand."""

from __future__ import annotations

import math

import pytest
import torch

from autotag_core.tagger.losses import LOSSES, asymmetric, cross_entropy, focal, pair_weights

HALF = torch.zeros(1, 1)  # the logit of a probability of one half


@pytest.mark.parametrize("name", LOSSES)
def test_the_cost_is_least_near_the_target(name: str) -> None:
    logits = torch.linspace(-6, 6, 241)[:, None]
    for target in (0.0, 0.5, 1.0):
        costs = LOSSES[name](logits, torch.full_like(logits, target))[:, 0]
        best = float(logits[costs.argmin(), 0].sigmoid())
        assert abs(best - target) < (0.3 if name == "asymmetric" else 0.02), f"{name} of {target}: {best}"


def test_by_hand_at_a_probability_of_one_half() -> None:
    one = torch.ones(1, 1)
    assert cross_entropy(HALF, one).item() == pytest.approx(math.log(2))
    assert focal(HALF, one).item() == pytest.approx(math.log(2) / 4)
    assert asymmetric(HALF, one).item() == pytest.approx(math.log(2))
    assert asymmetric(HALF, 0 * one).item() == pytest.approx(0.45**4 * -math.log(0.55))


def test_a_surely_wrong_tag_below_the_margin_costs_nothing() -> None:
    assert asymmetric(torch.full((1, 1), -4.0), torch.zeros(1, 1)).item() == 0


def test_unlabeled_pairs_count_less_and_rare_classes_more() -> None:
    targets = torch.tensor([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0]])
    known = torch.tensor([[True, False], [True, True], [True, True]])
    assert pair_weights(known, targets, 0.25, False).tolist() == [[1, 0.25], [1, 1], [1, 1]]
    balanced = pair_weights(known, targets, 1.0, True)
    assert balanced[2].tolist() == pytest.approx([2 / 3, 2.0])
    assert balanced[1].tolist() == pytest.approx([2 / 3, 1.0])  # where a class is absent, it counts as before
