"""Temporary folders of killed processes go after a day."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from autotag_core.storage.scratch import SCRATCH, drop_old_scratch


def test_what_a_killed_process_left_goes_after_a_day_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("SPARK_LOCAL_DIRS", f"{tmp_path}/disk1,{tmp_path}/absent")
    left = [
        "tmp/autotag-scratch-a/x",
        "tmp/autotag-shards/b",
        "tmp/blockmgr-1/autotag-shards/c/x",
        "disk1/autotag-scratch-d/y/z",
    ]
    kept = ["tmp/autotag-scratch-e/new", "tmp/autotag-0a1b2c/x", "tmp/other/x", "tmp/blockmgr-1/0c/shuffle", "disk1/f"]
    for name in left + kept:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    for path in tmp_path.rglob("*"):
        if path.name != "new":
            os.utime(path, (0, 0))
    gone = [str(path.relative_to(tmp_path)) for path in drop_old_scratch()]
    assert sorted(gone) == [
        "disk1/autotag-scratch-d",
        "tmp/autotag-scratch-a",
        "tmp/autotag-shards/b",
        "tmp/blockmgr-1/autotag-shards/c",
    ]
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == sorted(kept)


def test_every_temporary_folder_of_the_project_has_a_name_by_which_it_is_found() -> None:
    root = Path(__file__).resolve().parents[3]
    for room in ("autotag_core", "jobs", "udfs"):
        for path in (root / room).rglob("*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                makes_one = "TemporaryDirectory(" in line or "mkdtemp(" in line
                assert not makes_one or "SCRATCH" in line or "dir=workspace" in line, f"{path}: {line.strip()}"
    assert SCRATCH == "autotag-scratch-"
