"""Each stage is measured by itself, and the labels by pairs of raw tags."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.labels import TagDecision, TagTruth, as_json, as_text, measure_stages, read_tag_truth


def decided(tag: str, stage: str, spelled: str, grouped: str | None, label: str | None) -> TagDecision:
    return TagDecision(tag, 1, stage, "", "", spelled, grouped, label)


DECISIONS = [
    decided("cat", "grouping", "cat", "cat", "cat"),
    decided("caat", "spelling", "cat", "cat", "cat"),
    decided("kitty", "grouping", "kitty", "cat", "cat"),
    decided("mouse", "grouping", "mouse", "cat", "cat"),
    decided("hosue", "spelling", "hose", "hose", None),
    decided("gato", "language", "gato", None, None),
    decided("chat", "grouping", "chat", "chat", "chat"),
    decided("dog", "language", "dog", None, None),
    decided("tom hanks", "entities", "tom hanks", None, None),
]
TRUTH = [
    TagTruth("Cat", "en", "word", "cat", "cat"),
    TagTruth("cat!", "en", "word", "cat", "cat"),
    TagTruth("caat", "en", "word", "cat", "cat"),
    TagTruth("kitty", "en", "word", "kitty", "cat"),
    TagTruth("mouse", "en", "word", "mouse", "mouse"),
    TagTruth("hosue", "en", "word", "house", "house"),
    TagTruth("gato", "es", "word", "gato", None),
    TagTruth("chat", "fr", "word", "chat", None),
    TagTruth("dog", "en", "word", "dog", "dog"),
    TagTruth("tom hanks", "en", "person", "tom hanks", None),
    TagTruth("never seen", "en", "word", "never seen", "cat"),
]


def test_right_decided_and_true_are_counted_stage_by_stage() -> None:
    found = {item.stage: (item.num_right, item.num_decided, item.num_true) for item in measure_stages(DECISIONS, TRUTH)}
    assert found == {
        "language": (1, 2, 2),  # dog wrongly out, chat wrongly kept
        "spelling": (1, 2, 2),  # hosue is no hose
        "entities": (1, 1, 1),
        "grouping": (1, 3, 1),  # cat, kitty, mouse are one group, and only two of them should
        "final": (6, 10, 10),  # Cat, cat!, caat, kitty, mouse decided; never seen in place of mouse
    }


def test_shares_are_printed_and_nothing_decided_is_no_share() -> None:
    measures = measure_stages(DECISIONS[:1], TRUTH[:1])
    assert as_text(measures).splitlines()[1].split() == ["language", "-", "-", "-", "0", "0", "0"]
    row = json.loads(as_json(measure_stages(DECISIONS, TRUTH)))["final"]
    assert (row["precision"], row["recall"], row["f1"]) == (0.6, 0.6, 0.6)


def test_a_truth_is_read_and_wrong_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_text('{"tag": "Cat", "language": "en", "kind": "word", "meant": "cat", "label": null}\n')
    assert read_tag_truth(str(path)) == [TagTruth("Cat", "en", "word", "cat", None)]
    path.write_text('{"tag": "Cat"}\nx\n{"tag": "a", "language": "en", "kind": "city", "meant": "a", "label": null}\n')
    with pytest.raises(InputError, match=r"line 1: .*line 2: .*line 3: .*kind word, person or title"):
        read_tag_truth(str(path))
