"""What a release teaches, whom, and that nobody is in two splits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from autotag_core.errors import AutotagError, InputError
from autotag_core.tagger.example_targets import ROWS, target_matrix
from autotag_core.tagger.experiment import Experiment, Targets
from autotag_core.tagger.tagger_data import check_leaks, open_data

SCHEMA = pa.schema([("gif_id", pa.string()), ("split", pa.string()), ("version", pa.string())])


def examples(*rows: tuple[str, str, str]) -> pa.Table:
    return pa.Table.from_arrays([pa.array(column) for column in zip(*rows, strict=True)], schema=SCHEMA)


def test_the_same_file_in_two_splits_is_a_leak() -> None:
    check_leaks(examples(("a", "train", "v1"), ("b", "train", "v1"), ("c", "test", "v2")), {})
    with pytest.raises(AutotagError, match=r"c \(test\) and a \(train\) have the same bytes: one GIF in two splits"):
        check_leaks(examples(("a", "train", "v1"), ("c", "test", "v1")), {})


def test_near_duplicates_in_two_splits_are_a_leak() -> None:
    rows = examples(("a", "train", "v1"), ("b", "validation", "v2"), ("c", "test", "v3"))
    check_leaks(rows, {"a": "a", "c": "c"})
    with pytest.raises(AutotagError, match="have the same pictures"):
        check_leaks(rows, {"a": "a", "b": "a"})


@pytest.mark.parametrize(
    ("kind", "colour", "motion"), [("probability", 0.9, 0.8), ("published", 0.7, 0.7), ("raw", 1, 0)]
)
def test_each_kind_of_targets_teaches_what_it_says(
    written_release: str, kind: Targets, colour: float, motion: float
) -> None:
    data = open_data(written_release, None, Experiment(targets=kind, min_examples=3))
    assert data.classes == ["blue", "green", "left", "red", "right", "still"]
    train = data.parts["train"]
    row = train.gif_ids.index("g005")  # blue, goes right
    found = dict(zip(data.classes, train.targets.values[row], strict=True))
    assert found == pytest.approx({"blue": colour, "right": motion, "green": 0, "left": 0, "red": 0, "still": 0})
    known = dict(zip(data.classes, train.targets.is_known[row], strict=True))
    assert known["blue"] and not known["green"] and known["right"] == (kind != "raw")
    validation = data.parts["validation"].targets.values[0] > 0
    assert validation.sum() == 2  # whatever is taught, it is judged by what the editor said


def test_only_a_student_reads_the_gifs_without_tags(written_release: str) -> None:
    plain = open_data(written_release, None, Experiment(min_examples=3))
    student = open_data(written_release, None, Experiment(min_examples=3, student=True))
    assert len(plain.parts["unlabeled"]) == 0
    assert student.parts["unlabeled"].gif_ids == ["g000", "g027", "g036", "g045"]
    assert student.parts["train"].gif_ids == plain.parts["train"].gif_ids


def test_means_are_one_frame_of_length_one(written_release: str) -> None:
    part = open_data(written_release, None, Experiment(min_examples=3)).parts["train"]
    assert part.features.shape == (32, 1, 1280) and part.mask.all()
    assert np.linalg.norm(part.features, axis=2) == pytest.approx(1, abs=1e-5)


def test_what_is_missing_is_said_in_one_line(written_release: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no label has 500 train examples, at most 1\d: lower min_examples"):
        open_data(written_release, None, Experiment(min_examples=500))
    with pytest.raises(InputError, match="run r9 published nothing"):
        open_data(written_release, "r9", Experiment())
    with pytest.raises(InputError, match="no run was ever recorded here"):
        open_data(str(tmp_path), None, Experiment())


def test_of_equal_pairs_the_greatest_counts_and_others_are_left_out() -> None:
    rows = pa.Table.from_pylist(
        [
            {"gif_id": "a", "tag": "cat", "value": 0.2},
            {"gif_id": "a", "tag": "cat", "value": 0.6},
            {"gif_id": "a", "tag": "cow", "value": 1.0},
            {"gif_id": "z", "tag": "cat", "value": 1.0},
            {"gif_id": "b", "tag": "dog", "value": 0.0},
        ],
        schema=ROWS,
    )
    found = target_matrix(rows, ["b", "a"], ["cat", "dog"])
    assert found.values.tolist() == [[0, 0], [pytest.approx(0.6), 0]]
    assert found.is_known.tolist() == [[False, True], [True, False]]
