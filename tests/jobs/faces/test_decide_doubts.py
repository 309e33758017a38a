"""Decisions of an editor, as files have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.errors import InputError
from jobs.faces.decide_doubts import read_decisions


def test_a_decision_is_yes_or_no(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("accept,person_id,picture\nyes,ann,1\n,ann,2\nNo,ann,3\n")
    assert read_decisions(str(file)) == {("ann", "1"): True, ("ann", "3"): False}
    file.write_text("accept,person_id,picture\nmaybe,ann,1\n")
    with pytest.raises(InputError, match="line 2: accept is 'maybe'"):
        read_decisions(str(file))


def test_decisions_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"accept,person_id,picture\nyes,J\xfcrgen,1\n")
    with pytest.raises(InputError, match="not UTF-8 text at byte 30"):
        read_decisions(str(tmp_path / "d.csv"))
