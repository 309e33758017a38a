"""Orders of candidates by score and weirdness."""

from __future__ import annotations

import numpy as np

from autotag_core.search.translation.weirdness import drawn_order


def firsts(scores, weirdness, draws=2000):
    found = [drawn_order(np.array(scores), weirdness, seed)[0] for seed in range(draws)]
    return np.bincount(found, minlength=len(scores)) / draws


def test_without_weirdness_the_highest_score_is_first_and_ties_stay():
    assert drawn_order(np.array([0.2, 0.9, 0.9, 0.5]), 0, 3).tolist() == [1, 2, 3, 0]
    assert drawn_order(np.array([]), 5, 3).tolist() == []


def test_chances_are_those_of_the_formula():
    scores, weirdness = [0.9, 0.8, 0.7, 0.3], 4
    wanted = np.exp(-np.abs(np.array(scores) - (0.9 - 0.03 * 4)) / (0.01 * 4))
    np.testing.assert_allclose(firsts(scores, weirdness, 20_000), wanted / wanted.sum(), atol=0.015)


def test_the_weirder_the_less_the_obvious_comes_up_first():
    scores = [1.0, 0.9, 0.8, 0.7, 0.6]
    obvious = [firsts(scores, weirdness)[0] for weirdness in (0, 1, 2, 5, 10)]
    assert obvious == sorted(obvious, reverse=True)
    assert obvious[0] == 1
    assert obvious[-1] < 0.1
