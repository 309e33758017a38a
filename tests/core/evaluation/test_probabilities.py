import json

import pyarrow as pa
import pytest

from autotag_core.errors import InputError
from autotag_core.evaluation import reliability
from autotag_core.evaluation.truth import TRUTH

CATALOG = pa.Table.from_pylist(
    [
        {"gif_id": "a", "tags": ["cat"], "split": "train"},
        {"gif_id": "b", "tags": ["dog"], "split": "train"},
        {"gif_id": "unknown", "tags": ["dog"], "split": "train"},
        {"gif_id": "v", "tags": ["cat"], "split": "validation"},
    ],
    pa.schema([("gif_id", pa.string()), ("tags", pa.list_(pa.string())), ("split", pa.string())]),
)
KNOWN = pa.Table.from_pylist(
    [{"gif_id": gif_id, "tags": ["cat", "sun"], "factors": []} for gif_id in ("a", "b", "v", "never voted")], TRUTH
)
VOTED = [
    # gif_id, tag, probability, accepted
    ("a", "cat", 0.95, True),
    ("a", "dog", 0.1, False),
    ("a", "sun", 0.2, False),
    ("b", "cat", 0.8, True),
    ("b", "dog", 0.85, True),
    ("b", "sun", None, None),  # not calibrated
    ("unknown", "dog", 1.0, True),  # no truth
    ("v", "dog", 1.0, True),  # what probabilities were learned on
]
SCHEMA = pa.schema(
    [("gif_id", pa.string()), ("tag", pa.string()), ("probability", pa.float32()), ("accepted", pa.bool_())]
)


def voted_tags(rows=tuple(VOTED)):
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], SCHEMA)


def test_probabilities_of_train_gifs_with_a_truth_are_held_against_it():
    found = reliability(voted_tags(), CATALOG, KNOWN)
    assert found.num_tags == 5
    assert [(one.num, round(one.mean_probability, 4), one.share_right) for one in found.bins] == [
        (1, 0.1, 0.0),
        (1, 0.2, 1.0),
        (2, 0.825, 0.5),
        (1, 0.95, 1.0),
    ]
    assert found.ece == pytest.approx((0.1 + 0.8 + 2 * 0.325 + 0.05) / 5, abs=1e-6)
    assert found.accepted_precision == pytest.approx(2 / 3)


def test_of_another_split_only_its_own_gifs_count():
    catalog = CATALOG.set_column(2, "split", pa.array(["train", "test", "train", "validation"]))
    found = reliability(voted_tags(), catalog, KNOWN, "test")
    assert found.num_tags == 2
    assert found.ece == pytest.approx(abs(0.825 - 0.5), abs=1e-6)


def test_the_text_and_the_json_say_the_same():
    found = reliability(voted_tags(), CATALOG, KNOWN)
    assert found.to_text().splitlines()[:2] == [
        "Calibration error (ECE) of 5 tags: 0.320",
        "Right among accepted tags: 0.667",
    ]
    read = json.loads(found.to_json())
    assert (read["num_tags"], len(read["bins"]), read["ece"]) == (5, 4, found.ece)


def test_without_thresholds_nothing_is_said_of_accepted_tags():
    found = reliability(voted_tags([(*row[:3], None) for row in VOTED]), CATALOG, KNOWN)
    assert found.accepted_precision is None
    assert "accepted" not in found.to_text()


def test_without_probabilities_the_text_says_why():
    found = reliability(voted_tags([(*row[:2], None, None) for row in VOTED]), CATALOG, KNOWN)
    assert (found.num_tags, found.ece, found.bins, found.accepted_precision) == (0, None, (), None)
    assert found.to_text().startswith("No voted tag has a probability: too few validation GIFs")
    assert json.loads(found.to_json())["ece"] is None


def test_a_truth_about_other_gifs_is_refused():
    with pytest.raises(InputError):
        reliability(voted_tags(), CATALOG, KNOWN.slice(2))
