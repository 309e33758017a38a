import json

import numpy as np
import pyarrow as pa
import pytest

from autotag_core.errors import InputError
from autotag_core.votes import NEVER, fit_thresholds

ROWS = [
    # tag, probability, is_right: general and specific tags as a catalog has them, most candidates of each are wrong
    *[("animal", 0.9, True)] * 100,
    *[("animal", 0.9, False)] * 2,
    *[("animal", 0.1, False)] * 200,
    *[("otter", 0.9, True)] * 10,
    *[("otter", 0.1, False)] * 240,
    *[("funny", 0.9, False)] * 30,
    *[("funny", 0.1, False)] * 10,
    ("sun", 0.9, True),
    ("sun", float("nan"), False),
]


def fit(rows=ROWS, target_precision=0.7, min_examples=30, num_folds=5):
    tags, probabilities, is_right = zip(*rows, strict=True)
    folds = np.arange(len(rows)) % num_folds
    return fit_thresholds(tags, probabilities, is_right, folds, target_precision, min_examples)


def by_tag(found):
    return {row.tag: (row.threshold, row.num_examples, row.origin) for row in found.rows}


def test_a_specific_tag_with_few_acceptable_rows_among_many_candidates_takes_the_default():
    found = fit()
    assert by_tag(found) == {
        None: (0.9, 143, "fallback"),  # (111 + 10 * 0.9) / 153 = 0.784, less a standard error 0.75
        "animal": (0.9, 102, "own"),
        "funny": (NEVER, 0, "own"),  # 30 rows at the default, none right: nothing of it can be accepted
        "otter": (0.9, 10, "fallback"),
        "sun": (0.9, 1, "fallback"),
    }
    assert found.accepts(["otter", "otter", "funny", "new"], [0.9, 0.89, 1.0, 0.95]).tolist() == [1, 0, 0, 1]
    json.dumps(found.to_rows(), allow_nan=False)


def test_a_tag_of_which_too_little_is_known_at_the_default_is_not_given_up_for_its_other_rows():
    rows = [("animal", 0.9, True)] * 100 + [("otter", 0.9, False)] * 29 + [("otter", 0.2, False)] * 500
    assert by_tag(fit(rows))["otter"] == (0.9, 29, "fallback")
    rows.append(("otter", 0.95, False))
    assert by_tag(fit(rows))["otter"] == (NEVER, 0, "own")


def test_a_tag_that_neither_surely_reaches_nor_surely_misses_the_target_takes_the_default():
    rows = [("animal", 0.9, True)] * 200 + [("otter", 0.9, True)] * 26 + [("otter", 0.9, False)] * 10
    # otter: (26 + 9) / 46 = 0.76, give or take 0.06
    assert by_tag(fit(rows, target_precision=0.75))["otter"] == (0.9, 36, "fallback")
    assert by_tag(fit(rows, target_precision=0.65))["otter"][2] == "own"
    assert by_tag(fit(rows, target_precision=0.85))["otter"][0] == NEVER


def test_a_tag_that_is_better_than_all_together_is_accepted_further_down():
    rows = [("animal", 0.6, False)] * 100 + [("animal", 0.9, True)] * 100 + [("otter", 0.6, True)] * 40
    assert {tag: row[0] for tag, row in by_tag(fit(rows, 0.8)).items()} == {None: 0.9, "animal": 0.9, "otter": 0.6}


def test_few_lucky_rows_do_not_reach_a_target_that_the_calibration_does_not_expect():
    rows = [("cat", 0.3, True)] * 30
    assert fit(rows, 0.8).by_tag == {}  # (30 + 3) / 40 = 0.825, less a standard error 0.76
    assert fit(rows * 3, 0.8).by_tag == {"cat": 0.3}


def test_the_smallest_threshold_counts_where_precision_falls_and_rises_again():
    rows = [("cat", 0.9, True)] * 40 + [("cat", 0.8, False)] * 20 + [("cat", 0.7, True)] * 100
    # at 0.9: 49 / 50; at 0.8: 48.7 / 70; at 0.7: 147.4 / 170 = 0.867
    assert fit(rows, 0.8).by_tag == {"cat": 0.7}


def test_equal_probabilities_stand_or_fall_together():
    rows = [("cat", 0.9, True)] * 40 + [("cat", 0.9, False)] * 40
    assert fit(rows, 0.8).by_tag == {}
    assert fit(rows, 0.8).accepts(["cat"], [1.0]).tolist() == [False]


def drawn(seed, num_tags=60, num_rows=300):
    """Tags of which half are more often right than their probability says, and half less often."""
    rng = np.random.default_rng(seed)
    probabilities = rng.beta(0.5, 1.2, (num_tags, num_rows))
    logits = np.log(probabilities / (1 - probabilities)) + np.where(np.arange(num_tags) % 2, 1.0, -1.0)[:, None]
    tags = np.repeat([f"t{i:02}" for i in range(num_tags)], num_rows)
    return tags, probabilities.ravel(), (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).ravel()


def test_the_smallest_of_many_thresholds_is_no_lucky_one_other_rows_reach_the_target_too():
    tags, probabilities, is_right = drawn(3)
    found = fit_thresholds(tags, probabilities, is_right, np.arange(len(tags)) % 5, 0.8, 30)
    assert sum(threshold < NEVER for threshold in found.by_tag.values()) > 15
    tags, probabilities, is_right = drawn(4)
    accepted = found.accepts(tags, probabilities)
    assert is_right[accepted].mean() > 0.8
    own = accepted & np.isin(tags, [tag for tag, threshold in found.by_tag.items() if threshold < NEVER])
    assert is_right[own].mean() > 0.8


def test_a_precision_is_that_of_rows_which_the_threshold_has_not_seen():
    # 60 coins: each tag's best rows look right by chance, half of the rest are
    rng = np.random.default_rng(8)
    tags = np.repeat([f"t{i:02}" for i in range(60)], 60)
    is_right = rng.random(len(tags)) < 0.5
    probabilities = rng.uniform(0.4, 0.6, len(tags))
    found = fit_thresholds(tags, probabilities, is_right, np.arange(len(tags)) % 5, 0.55, 10)
    own = [row for row in found.rows if row.origin == "own" and row.precision is not None]
    assert len(own) > 10
    assert np.average([row.precision for row in own], weights=[row.num_examples for row in own]) < 0.55
    everything = fit_thresholds(tags, np.full(len(tags), 0.5), is_right, np.arange(len(tags)) % 5, 0.3, 10)
    assert everything.rows[0].precision == pytest.approx(is_right.mean())


def test_the_order_of_rows_changes_nothing():
    tags, probabilities, is_right = drawn(3)
    folds = np.arange(len(tags)) % 5
    order = np.random.default_rng(1).permutation(len(tags))
    shuffled = fit_thresholds(tags[order], probabilities[order], is_right[order], folds[order], 0.8, 30)
    assert shuffled == fit_thresholds(tags, probabilities, is_right, folds, 0.8, 30)


def test_chunks_unknown_tags_and_missing_probabilities():
    found = fit()
    tags = ["otter", "funny", "new", "new", "otter"]
    probabilities = [0.9, 1.0, 0.95, 0.1, float("nan")]
    expected = [True, False, True, False, False]
    assert found.accepts(pa.chunked_array([tags[:3], tags[3:]]), probabilities).tolist() == expected
    assert found.accepts([], []).tolist() == []


def test_without_rows_nothing_is_accepted():
    found = fit_thresholds([], [], [], [], 0.8, 10)
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
        fit_thresholds(["cat"], [0.5, 0.6], [True, True], [0, 1], 0.8, 1)
