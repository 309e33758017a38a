"""The order in which tags are asked, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from autotag_core.review.expected_gain import gain, order_by_gain, uncertainty, unsure_score


def test_a_chance_at_its_threshold_is_the_most_uncertain_and_nothing_known_is_a_half() -> None:
    found = uncertainty(np.array([0.5, 0.9, 0.1, np.nan, 0.9]), np.array([0.5, 0.5, 0.5, 0.5, 0.9]))
    assert found == pytest.approx([1.0, 0.36, 0.36, 1.0, 1.0])


def test_a_sure_tag_of_a_popular_gif_is_behind_an_unsure_one() -> None:
    unsure, sure = gain(np.array([0.5, 0.99]), np.array([0.5, 0.5]), np.array([100, 1_000]))
    assert unsure > sure
    few, many = gain(np.array([0.5, 0.5]), np.array([0.5, 0.5]), np.array([0, 10_000]))
    assert many > few > 0


NEW = np.zeros(4, bool)


def test_a_tag_that_was_asked_gives_way_to_another_one() -> None:
    gains, gifs, tags = np.array([10.0, 9.0, 8.0]), np.array([0, 1, 2]), np.array([0, 0, 1])
    assert order_by_gain(gains, gifs, tags, np.zeros(2, np.int64), NEW[:3], 3).tolist() == [0, 2, 1]
    assert order_by_gain(gains, gifs, tags, np.array([2, 0]), NEW[:3], 3).tolist() == [2, 0, 1]


def test_of_a_gif_only_its_best_rows_are_asked_and_ties_go_by_place() -> None:
    gains, gifs = np.array([1.0, 3.0, 2.0, 2.0]), np.array([0, 0, 0, 1])
    order = order_by_gain(gains, gifs, np.arange(4), np.zeros(4, np.int64), NEW, 2)
    assert order.tolist() == [1, 2, 3]


def test_one_tag_in_five_is_an_own_one_as_long_as_there_are_both() -> None:
    gains, is_own = np.arange(12.0)[::-1], np.arange(12) < 3
    order = order_by_gain(gains, np.arange(12), np.arange(12), np.zeros(12, np.int64), is_own, 3)
    assert [int(place) for place in np.flatnonzero(is_own[order])] == [2, 7, 11]
    assert order[~is_own[order]].tolist() == list(range(3, 12))


def test_nothing_to_ask_is_no_order_and_of_uncalibrated_scores_the_high_ones_are_unsure() -> None:
    none = np.zeros(0, np.int64)
    assert order_by_gain(np.zeros(0), none, none, none, NEW[:0], 3).tolist() == []
    assert unsure_score(np.arange(101) / 100) == pytest.approx(0.85)
    assert unsure_score(np.zeros(0)) == 0.5
