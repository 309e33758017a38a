import json

import numpy as np
import pyarrow as pa
import pytest

from autotag_core.errors import InputError
from autotag_core.voting import NEVER, TagThreshold, fit_thresholds

ROWS = [
    # tag, probability, is_right
    *[("cat", 0.9, True)] * 9,
    ("cat", 0.9, False),
    *[("cat", 0.6, True)] * 5,
    *[("cat", 0.6, False)] * 5,
    *[("lol", 0.9, False)] * 8,
    *[("lol", 0.5, False)] * 2,
    ("sun", 0.9, True),
    ("sun", 0.6, True),
    ("sun", float("nan"), False),
]


def fit(rows=ROWS, target_precision=0.8, min_examples=10):
    tags, probabilities, is_right = zip(*rows, strict=True)
    return fit_thresholds(tags, probabilities, is_right, target_precision, min_examples)


def test_three_tags_worked_by_hand():
    found = fit()
    # cat at 0.9: (9 + 10 * 0.9) / 20 = 0.9; at 0.6: (14 + 10 * 0.75) / 30 = 0.717
    # lol at 0.9 has 8 rows only; at 0.5: (0 + 10 * 0.82) / 20 = 0.41
    # all at 0.9: (10 + 10 * 0.9) / 29 = 0.655; lower is less
    assert found.to_rows() == [
        {"tag": None, "threshold": NEVER, "num_examples": 0, "precision": None, "origin": "fallback"},
        {"tag": "cat", "threshold": 0.9, "num_examples": 10, "precision": pytest.approx(0.9), "origin": "own"},
        {"tag": "lol", "threshold": NEVER, "num_examples": 0, "precision": None, "origin": "own"},
        {"tag": "sun", "threshold": NEVER, "num_examples": 0, "precision": None, "origin": "fallback"},
    ]
    assert (found.default, found.by_tag) == (NEVER, {"cat": 0.9, "lol": NEVER})
    json.dumps(found.to_rows(), allow_nan=False)


def test_a_lower_target_is_reached_further_down_and_by_the_default_too():
    found = fit(target_precision=0.65)
    # all at 0.9: 0.655; at 0.6: (16 + 10 * (19 * 0.9 + 11 * 0.6) / 30) / 40 = 0.5975
    assert (found.default, found.by_tag) == (0.9, {"cat": 0.6, "lol": NEVER})
    assert found.rows[-1] == TagThreshold("sun", 0.9, 1, pytest.approx((1 + 9) / 11), "fallback")


def test_few_lucky_rows_do_not_reach_a_target_that_the_calibration_does_not_expect():
    rows = [("cat", 0.3, True)] * 10
    assert fit(rows).by_tag == {"cat": NEVER}  # (10 + 3) / 20 = 0.65
    assert fit(rows * 3).by_tag == {"cat": 0.3}  # (30 + 3) / 40 = 0.825


def test_the_smallest_threshold_counts_where_precision_falls_and_rises_again():
    rows = [("cat", 0.9, True)] * 20 + [("cat", 0.8, False)] * 10 + [("cat", 0.7, True)] * 30
    # at 0.9: (20 + 9) / 30 = 0.97; at 0.8: (20 + 8.67) / 40 = 0.72; at 0.7: (50 + 7.83) / 70 = 0.826
    assert fit(rows).by_tag == {"cat": 0.7}


def test_equal_probabilities_stand_or_fall_together():
    rows = [("cat", 0.9, True)] * 10 + [("cat", 0.9, False)] * 10
    assert fit(rows).by_tag == {"cat": NEVER}


def test_a_tag_is_accepted_from_its_threshold_on_and_an_unknown_one_by_the_default():
    found = fit(target_precision=0.65)
    tags = ["cat", "cat", "lol", "sun", "sun", "new", "new", "cat"]
    probabilities = [0.6, 0.59, 1.0, 0.9, 0.89, 0.95, 0.1, float("nan")]
    expected = [True, False, False, True, False, True, False, False]
    assert found.accepts(tags, probabilities).tolist() == expected
    assert found.accepts(pa.chunked_array([tags[:3], tags[3:]]), probabilities).tolist() == expected
    assert found.accepts([], []).tolist() == []


def test_what_is_accepted_of_the_fitted_rows_is_what_the_thresholds_say():
    rng = np.random.default_rng(3)
    tags = np.array(["a", "b", "c"])[rng.integers(0, 3, 3000)]
    probabilities = rng.random(3000).round(2)
    is_right = rng.random(3000) < probabilities
    found = fit_thresholds(tags, probabilities, is_right, 0.8, 50)
    accepted = found.accepts(tags, probabilities)
    assert is_right[accepted].mean() == pytest.approx(0.8, abs=0.02)
    for row in found.rows[1:]:
        mine = accepted & (tags == row.tag)
        assert row.num_examples == mine.sum()
        assert row.precision == pytest.approx(
            (is_right[mine].sum() + 10 * probabilities[mine].mean()) / (mine.sum() + 10)
        )
    order = rng.permutation(3000)
    assert fit_thresholds(tags[order], probabilities[order], is_right[order], 0.8, 50) == found


def test_without_rows_nothing_is_accepted():
    found = fit_thresholds([], [], [], 0.8, 10)
    assert (found.default, found.by_tag) == (NEVER, {})
    assert found.accepts(["cat"], [1.0]).tolist() == [False]


def test_rows_that_do_not_fit_are_named():
    with pytest.raises(InputError, match=r"tags\[1\] is null"):
        fit([("cat", 0.5, True), (None, 0.5, True)])
    with pytest.raises(InputError, match=r"probabilities\[0\] is 1.5"):
        fit([("cat", 1.5, True)])
    with pytest.raises(InputError, match="tags must be strings"):
        fit([(3, 0.5, True)])
    with pytest.raises(InputError, match=r"target_precision\[0\] is 80"):
        fit(target_precision=80)
    with pytest.raises(InputError, match="min_examples is 0"):
        fit(min_examples=0)
    with pytest.raises(InputError, match="one value a row"):
        fit_thresholds(["cat"], [0.5, 0.6], [True, True], 0.8, 1)
