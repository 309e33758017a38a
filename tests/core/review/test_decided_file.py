"""What an editor gives back: decisions, and rows with the reason why they are none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.review.decided_file import check_rows, read_rows

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
SPLITS = {"a": "train", "v": "validation", "=1": "train"}
HEADER = "gif_id,tag,decision,by,at,run_id,probability\n"


def written(folder: Path, text: str, name: str = "decisions.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_rows_with_a_decision_become_decisions_and_the_others_decide_nothing(tmp_path: Path) -> None:
    rows = [
        "a,cat,accepted,ann,2026-11-30T09:00:00.250Z,r1,0.4",
        "a,dog,,,,r1,0.9",
        "'=1,''90s,Refused,,2026-11-30T11:00:00+01:00,,",
    ]
    uri = written(tmp_path, HEADER + "\n".join(rows))
    found, refused = check_rows(list(read_rows(uri)), SPLITS, "ben", NOW)
    assert refused == []
    first, second = found
    assert (first.gif_id, first.tag, first.decision, first.by, first.run_id, first.probability) == (
        "a", "cat", "accepted", "ann", "r1", 0.4,
    )  # fmt: skip
    assert first.at == datetime(2026, 11, 30, 9, 0, 0, 250_000, UTC)
    assert (second.gif_id, second.tag, second.decision, second.by) == ("=1", "'90s", "refused", "ben")
    assert (second.at, second.run_id, second.probability) == (datetime(2026, 11, 30, 10, tzinfo=UTC), None, None)


def test_a_row_without_a_time_was_decided_now_and_json_lines_do_too(tmp_path: Path) -> None:
    uri = written(tmp_path, '{"gif_id": "a", "tag": "cat", "decision": "refuse", "by": "ann"}\n', "d.jsonl")
    (found,), _ = check_rows(list(read_rows(uri)), SPLITS, None, NOW)
    assert (found.at, found.decision) == (NOW, "refused")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a,cat,maybe,ann,,,", "the decision is 'maybe', it must be accepted or refused"),
        ("b,cat,accepted,ann,,,", "the catalog of the current release has no such GIF"),
        ("a,cat,accepted,,,,", "nobody is named as its editor: fill in the column by, or give --by NAME"),
        ("a,,accepted,ann,,,", "it needs a gif_id and a tag"),
        ("v,cat,accepted,ann,,,", "it is a validation GIF, by which results are measured"),
        ("a,cat,accepted,ann,yesterday,,", "at is 'yesterday', it must be a time such as 2026-11-30T18:00:00Z"),
        ("a,cat,accepted,ann,2036-11-30T18:00:00Z,,", "at is 2036-11-30T18:00:00Z, which is in the future"),
        ("a,cat,accepted,ann,,,much", "probability is 'much', it must be a number"),
        (f"a,{'x' * 201},accepted,ann,,,", "the tag has 201 characters, it must have 200 at most"),
    ],
)
def test_a_row_that_is_wrong_is_listed_with_its_reason_and_the_others_count(
    row: str, reason: str, tmp_path: Path
) -> None:
    uri = written(tmp_path, f"{HEADER}a,dog,accepted,ann,,,\n{row}\n")
    found, (refused,) = check_rows(list(read_rows(uri)), SPLITS, None, NOW)
    assert [one.tag for one in found] == ["dog"]
    assert refused.reason.startswith(reason) and refused.row == 2
    assert refused.to_text().startswith("row 2, ")


def test_a_file_without_the_columns_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column decision missing"):
        list(read_rows(written(tmp_path, "gif_id,tag\na,cat\n")))
