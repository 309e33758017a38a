"""Metrics by hand and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from autotag_core.tagger.tag_metrics import measure_tags

LABELS = ["a", "b", "c", "d", "e", "f"]


def test_four_gifs_by_hand() -> None:
    probabilities = np.array(
        [
            [0.9, 0.8, 0.1, 0.0, 0.0, 0.0],
            [0.1, 0.9, 0.2, 0.3, 0.0, 0.0],
            [0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
            [0.9, 0.9, 0.9, 0.9, 0.9, 0.9],
        ]
    )
    right = np.array([[1, 0, 1, 0, 0, 0], [1, 0, 0, 1, 0, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0]], bool)
    found = measure_tags(probabilities, right, LABELS)
    values = found.values()
    assert found.num_gifs == 3  # the last one has no right class
    assert values["p_at_1"] == pytest.approx(1 / 3)
    assert values["p_at_3"] == pytest.approx((2 / 3 + 1 / 3 + 0) / 3)
    assert values["recall_at_5"] == pytest.approx((1 + 1 + 0) / 3)
    assert {one.label: one.num_gifs for one in found.classes} == {"a": 2, "c": 1, "d": 1, "f": 1}


def test_average_precisions_are_those_of_scikit_learn_ties_included() -> None:
    rng = np.random.default_rng(3)
    probabilities = rng.random((80, 6)).round(1)
    right = rng.random((80, 6)) < 0.4
    found = measure_tags(probabilities, right, LABELS)
    kept = right.any(axis=1)
    each = [average_precision_score(right[kept, at], probabilities[kept, at]) for at in range(6)]
    assert [one.average_precision for one in found.classes] == pytest.approx(each)
    assert found.values()["map_macro"] == pytest.approx(np.mean(each))
    micro = average_precision_score(right[kept].ravel(), probabilities[kept].ravel())
    assert found.values()["map_micro"] == pytest.approx(micro)


def test_an_interval_holds_its_value_and_narrows_with_more_gifs() -> None:
    rng = np.random.default_rng(4)
    widths = []
    for num in (40, 1000):
        right = rng.random((num, 6)) < 0.3
        found = measure_tags(np.clip(0.3 * right + 0.7 * rng.random((num, 6)), 0, 1), right, LABELS)
        assert all(one.low <= one.value <= one.high for name, one in found.measures.items() if name != "ece")
        widths.append(found.measures["map_macro"].high - found.measures["map_macro"].low)
    assert widths[1] < widths[0] / 2


def test_without_a_right_class_nothing_is_measured() -> None:
    assert measure_tags(np.zeros((2, 6)), np.zeros((2, 6), bool), LABELS).measures == {}
