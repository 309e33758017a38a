"""The order in which tags are asked, worked by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from autotag_core.review.expected_gain import (
    RIDGE,
    VIEWS,
    Questions,
    evidence_features,
    gain,
    order_by_gain,
    uncertainty,
    unsure_score,
)


def test_a_chance_at_its_threshold_is_the_most_uncertain_and_nothing_known_is_a_half() -> None:
    found = uncertainty(np.array([0.5, 0.9, 0.1, np.nan, 0.9]), np.array([0.5, 0.5, 0.5, 0.5, 0.9]))
    assert found == pytest.approx([1.0, 0.36, 0.36, 1.0, 1.0])


def test_a_sure_tag_of_a_popular_gif_is_behind_an_unsure_one() -> None:
    unsure, sure = gain(np.array([0.5, 0.99]), np.array([0.5, 0.5]), np.array([100, 1_000]))
    assert unsure > sure
    few, many = gain(np.array([0.5, 0.5]), np.array([0.5, 0.5]), np.array([0, 10_000]))
    assert many > few > 0


def questions(num: int, **arrays: Any) -> Questions:
    """Rows of as many GIFs and new tags that are alike, except for `arrays`."""
    usual = {
        "unsure": np.ones(num),
        "features": np.zeros((num, 1)),
        "views": np.zeros(num, np.int64),
        "gifs": np.arange(num),
        "tags": np.arange(num),
        "is_own": np.zeros(num, bool),
    }
    return Questions(**(usual | arrays))


def order(asked: Questions, before: Sequence[int] = (), number: int = 99, most_of_a_gif: int = 3) -> list[int]:
    counts = np.zeros(99, np.int64)
    counts[: len(before)] = before
    return order_by_gain(asked, counts, number, most_of_a_gif).tolist()


def test_of_rows_with_the_same_evidence_the_unsure_and_viewed_ones_come_first() -> None:
    assert order(questions(4, unsure=np.array([0.2, 0.9, 0.5, 0.9]), views=np.array([0, 0, 0, 50]))) == [3, 1, 2, 0]
    assert order(questions(3)) == [0, 1, 2]


def test_after_a_row_comes_one_with_other_evidence() -> None:
    evidence = np.array([[0.0], [0.0], [0.0], [4.0], [4.0], [4.0]])
    unsure = np.array([0.9, 0.9, 0.9, 0.8, 0.8, 0.8])
    found = order(questions(6, features=evidence, unsure=unsure))
    assert {row // 3 for row in found[:2]} == {0, 1}


@pytest.mark.parametrize("seed", range(5))
def test_each_row_is_the_one_that_leaves_the_least_variance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    asked = questions(12, features=rng.normal(size=(12, 2)), unsure=rng.random(12), views=rng.integers(0, 99, 12))
    scaled = (asked.features - asked.features.mean(axis=0)) / asked.features.std(axis=0)
    design = np.column_stack([scaled, np.ones(12)])

    def variance(rows: list[int]) -> float:
        information = np.diag([RIDGE, RIDGE, 1e-3])
        for row in rows:
            information += asked.unsure[row] / 4 * np.outer(design[row], design[row])
        return float(np.einsum("ij,jk,ik->", design, np.linalg.inv(information), design))

    found = order(asked, number=5)
    for place, row in enumerate(found):
        before = found[:place]
        gains = {
            other: (variance(before) - variance([*before, other])) * (asked.views[other] + 10.0) ** VIEWS
            for other in set(range(12)) - set(before)
        }
        assert row == max(gains, key=gains.__getitem__)


def test_an_own_tag_that_was_asked_gives_way_to_another_one_and_a_new_one_does_not() -> None:
    unsure, tags = np.array([1.0, 0.95, 0.9]), np.array([0, 0, 1])
    own = questions(3, unsure=unsure, tags=tags, is_own=np.ones(3, bool))
    assert order(own) == [0, 2, 1]
    assert order(own, before=[2, 0]) == [2, 0, 1]
    assert order(questions(3, unsure=unsure, tags=tags), before=[2, 0]) == [0, 1, 2]


def test_of_a_gif_only_its_best_rows_are_asked() -> None:
    unsure, gifs = np.array([0.1, 0.3, 0.2, 0.2]), np.array([0, 0, 0, 1])
    assert order(questions(4, unsure=unsure, gifs=gifs), most_of_a_gif=2) == [1, 2, 3]
    is_own = np.array([False, True, False, False])
    assert sorted(order(questions(4, unsure=unsure, gifs=gifs, is_own=is_own), most_of_a_gif=2)) == [1, 2, 3]


def test_one_tag_in_five_is_an_own_one_as_long_as_there_are_both() -> None:
    is_own = np.arange(12) < 3
    found = order(questions(12, unsure=np.linspace(1, 0.5, 12), is_own=is_own))
    assert [place for place, row in enumerate(found) if is_own[row]] == [2, 7, 11]
    assert [row for row in found if not is_own[row]] == list(range(3, 12))


def test_nothing_to_ask_is_no_order_and_of_uncalibrated_scores_the_high_ones_are_unsure() -> None:
    assert order(questions(0)) == []
    assert unsure_score(np.arange(101) / 100) == pytest.approx(0.85)
    assert unsure_score(np.zeros(0)) == 0.5


def test_evidence_is_votes_by_root_and_logarithm_and_log_odds() -> None:
    found = evidence_features(np.array([[4.0, 0.0], [0.0, 9.0]]), np.array([np.nan, 0.9]))
    odds = [0.0, np.log(9)]
    assert found == pytest.approx(
        np.array(
            [[2, 0, np.log(4.1), np.log(0.1), odds[0]], [0, 3, np.log(0.1), np.log(9.1), odds[1]]],
        )
    )
