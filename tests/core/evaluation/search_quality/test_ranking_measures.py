"""nDCG and recall of rankings against their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from autotag_core.evaluation.search_quality.ranking_measures import measure_rankings


def test_ndcg_looks_at_ten_gifs_and_recall_at_fifty() -> None:
    ranking = [f"g{number:02}" for number in range(60)]
    found = measure_rankings({"cat": ranking}, {"cat": {"g01": 1, "g09": 1, "g10": 1, "g49": 1, "g50": 1}})["cat"]
    ideal = sum(1 / math.log2(1 + rank) for rank in (1, 2, 3, 4, 5))
    assert found.ndcg == pytest.approx((1 / math.log2(3) + 1 / math.log2(11)) / ideal)
    assert found.recall == pytest.approx(4 / 5)


def test_a_query_that_finds_nothing_has_zero_and_one_without_a_right_gif_has_no_measure() -> None:
    found = measure_rankings({"cat": [], "dog": ["a"], "cow": ["a"]}, {"cat": {"a": 1}, "dog": {}})
    assert {query: (one.ndcg, one.recall) for query, one in found.items()} == {"cat": (0.0, 0.0)}


def test_grades_count_as_scikit_learn_counts_them() -> None:
    rng = np.random.default_rng(7)
    for _ in range(20):
        grades = rng.integers(0, 4, size=30)
        if not grades.any():
            continue
        ranking = [f"g{place}" for place in rng.permutation(30)]
        right = {f"g{place}": int(grade) for place, grade in enumerate(grades) if grade}
        scores = [-ranking.index(f"g{place}") for place in range(30)]
        expected = ndcg_score([grades], [scores], k=10)
        assert measure_rankings({"q": ranking}, {"q": right})["q"].ndcg == pytest.approx(expected)
