"""Rates by hand and on a skewed catalog."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.training.balance import LabelLists, draw_rates, evenness


def lists(*labels: tuple[int, ...], num_classes: int) -> LabelLists:
    offsets = np.cumsum([0, *map(len, labels)])
    return LabelLists(offsets, np.array([one for some in labels for one in some], np.int32), num_classes)


def test_single_labels_are_drawn_exactly_alike() -> None:
    labels = lists(*[(0,)] * 6, (1,), (1,), (2,), num_classes=3)
    rates = draw_rates(labels, "even", 18, 16)
    assert rates == pytest.approx([1] * 6 + [3, 3, 6])
    assert labels.count(rates) == pytest.approx([6, 6, 6])


def test_five_gifs_beside_fifty_thousand_get_what_repeats_allow_and_the_others_share_the_rest() -> None:
    counts = (50_000, 5, 500)
    classes = np.repeat(np.arange(3), counts).astype(np.int32)
    labels = LabelLists(np.arange(len(classes) + 1), classes, 3)
    assert labels.count(draw_rates(labels, "even", 3000, 200)) == pytest.approx([1000, 1000, 1000])
    assert labels.count(draw_rates(labels, "even", 3000, 16)) == pytest.approx([1460, 80, 1460], rel=1e-3)
    assert labels.count(draw_rates(labels, "natural", 3000, 16)) == pytest.approx([2970, 0.297, 29.7], rel=1e-3)


def test_repeat_factors_are_those_of_lvis() -> None:
    labels = lists(*[(0,)] * 9_996, *[(0, 1)] * 3, (), num_classes=2)
    rates = draw_rates(labels, "repeat_factors", 10_000, 16)
    factor = np.sqrt(1e-3 / (3 / 10_000))  # of class 1, class 0 is at 1
    assert rates[-2] / rates[0] == pytest.approx(factor)
    assert rates[-1] == 0
    assert rates.sum() == pytest.approx(10_000)


def test_labels_that_come_along_get_less_of_their_own_and_rare_ones_are_nearly_level() -> None:
    rng = np.random.default_rng(5)
    share = 1 / np.arange(1, 101) ** 1.2
    drawn = [np.unique(rng.choice(100, rng.integers(1, 6), p=share / share.sum())) for _ in range(5_000)]
    labels = lists(*[tuple(one) for one in drawn], num_classes=100)
    before, plain = (labels.count(draw_rates(labels, s, 5_000, 16)) for s in ("natural", "repeat_factors"))
    after = labels.count(draw_rates(labels, "even", 5_000, 16))
    assert np.percentile(before, 90) / np.percentile(before, 10) > 8
    assert np.percentile(after, 90) / np.percentile(after, 10) < 3
    assert evenness(before) < evenness(plain) + 1e-9 < evenness(after)


def test_no_rate_passes_the_limit_and_a_gif_without_a_class_is_never_drawn() -> None:
    rates = draw_rates(lists((0,), (), (1,), num_classes=2), "even", 1000, 3)
    assert rates.tolist() == [3, 0, 3]


def test_evenness_is_one_for_equal_draws_and_nothing_where_one_class_has_all() -> None:
    assert evenness(np.array([5.0, 5.0, 5.0])) == pytest.approx(1)
    assert evenness(np.array([7.0, 0.0, 0.0])) == 0
