"""Where an evaluation keeps the rows that several of its steps need."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog

from autotag_core import storage
from jobs.evaluation import release_evidence
from jobs.run.staging import Staging


def test_on_a_cluster_a_night_beside_it_does_not_clear_its_rows(tmp_path: Path) -> None:
    spark = cast(Any, SimpleNamespace(sparkContext=SimpleNamespace(master="yarn")))
    with release_evidence._kept(spark, str(tmp_path)) as (_, folder):
        storage.write_bytes(storage.join(folder, "0"), b"x")
        storage.write_bytes(str(tmp_path / "_staging" / "killed" / "0"), b"x")
        Staging(str(tmp_path), "r1").drop_others(structlog.get_logger())
        assert storage.list_files(str(tmp_path)) == [storage.join(folder, "0")]
    assert storage.list_files(str(tmp_path)) == []


def test_on_one_machine_it_writes_nothing_to_the_warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    spark = cast(Any, SimpleNamespace(sparkContext=SimpleNamespace(master="local[*]")))
    with release_evidence._kept(spark, str(tmp_path / "warehouse")) as (_, folder):
        assert Path(folder).name.startswith(storage.SCRATCH)
    assert list(tmp_path.iterdir()) == []
