"""`runs` is as quick to read after three hundred nights as after ten, and no reader or writer notices the merging."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from autotag_core import storage, warehouse
from autotag_core.errors import DiskFullError
from autotag_core.tables import RUNS
from autotag_core.warehouse import RunRecord, run_records, table_log, tidy_runs
from autotag_core.warehouse.delta import live_files, open_table, read_rows

WHEN = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(params=["local", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    base = str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    return f"{base}/gifs and ü'`/version=2/warehouse"


def night(number: int) -> RunRecord:
    name = f"r{number:03}"
    return RunRecord(name, WHEN, WHEN, "published", release_of=name, table_versions={"catalog": number})


def run_ids(uri: str) -> list[str]:
    return [run.run_id for run in warehouse.list_runs(uri)]


def names(*numbers: int) -> list[str]:
    return [f"r{number:03}" for number in numbers]


def test_after_three_hundred_nights_few_files_and_few_commits_are_read(uri: str) -> None:
    num_nights = 60 if storage.is_s3(uri) else 300
    runs = warehouse.table_uri(uri, "runs")
    for number in range(num_nights):
        warehouse.append_run(uri, night(number))
        if number % 30 == 29 or number > num_nights - 12:
            assert len(live_files(open_table(runs), runs)) <= 10
            assert table_log.commits_to_replay(runs) <= 11
            assert warehouse.current_release(uri).table_versions == {"catalog": number}
    found = warehouse.list_runs(uri)
    assert found == [replace(night(number), sequence=number + 1) for number in range(num_nights)]


def test_files_and_log_go_after_a_day_and_not_before(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = warehouse.table_uri(uri, "runs")
    for number in range(25):
        warehouse.append_run(uri, night(number))
    early = open_table(runs, 3)
    assert sorted(read_rows(early, runs, RUNS)["run_id"].to_pylist()) == names(0, 1, 2), "version 0 holds no row"
    storage.write_bytes(storage.join(runs, "writer-that-came-second.parquet"), b"x")
    storage.write_bytes(storage.join(runs, "_delta_log", "_commit_0.json.tmp"), b"x")
    monkeypatch.setattr(table_log, "DAY_S", 0)
    for number in range(25, 35):
        warehouse.append_run(uri, night(number))
    assert run_ids(uri) == names(*range(35))
    files = [file.removeprefix(f"{runs}/") for file in storage.list_files(runs)]
    assert len([file for file in files if file.endswith(".parquet") and "_delta_log" not in file]) <= 10
    assert len([file for file in files if file.endswith(".json")]) <= 11
    assert "writer-that-came-second.parquet" not in files
    assert "_delta_log/_commit_0.json.tmp" not in files


def test_a_reader_that_opened_the_table_before_a_merge_still_reads_its_rows(uri: str) -> None:
    runs = warehouse.table_uri(uri, "runs")
    for number in range(9):
        warehouse.append_run(uri, night(number))
    opened = open_table(runs)
    warehouse.append_run(uri, night(9))
    assert len(live_files(open_table(runs), runs)) == 1
    assert sorted(read_rows(opened, runs, RUNS)["run_id"].to_pylist()) == names(*range(9))


def test_a_run_that_is_recorded_during_a_merge_is_neither_lost_nor_there_twice(
    uri: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(9):
        warehouse.append_run(uri, night(number))
    real = tidy_runs._merge_files

    def merge_late(table: DeltaTable, place: str) -> None:
        monkeypatch.setattr(tidy_runs, "_merge_files", real)
        run_records._append_row(uri, place, night(10))
        real(table, place)

    monkeypatch.setattr(tidy_runs, "_merge_files", merge_late)
    with caplog.at_level(logging.WARNING):
        warehouse.append_run(uri, night(9))
    assert "its files were not merged" in caplog.text
    assert run_ids(uri) == names(*range(9), 9, 10)
    warehouse.append_run(uri, night(11))
    assert run_ids(uri) == names(*range(12))


def test_of_two_merges_of_one_version_one_is_refused(uri: str) -> None:
    runs = warehouse.table_uri(uri, "runs")
    for number in range(5):
        warehouse.append_run(uri, night(number))
    first, second = open_table(runs), open_table(runs)
    tidy_runs._merge_files(first, runs)
    with pytest.raises(DeltaError):
        tidy_runs._merge_files(second, runs)
    assert run_ids(uri) == names(*range(5))


def test_a_row_that_is_written_to_the_version_before_a_merge_is_refused_and_made_anew(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = warehouse.table_uri(uri, "runs")
    for number in range(5):
        warehouse.append_run(uri, night(number))
    real, merged = write_deltalake, []

    def merge_first(table: DeltaTable, *rows: object, **options: object) -> None:
        if not merged:
            merged.append(True)
            tidy_runs._merge_files(open_table(runs), runs)
        real(table, *rows, **options)  # type: ignore[arg-type, call-overload]

    monkeypatch.setattr(run_records, "write_deltalake", merge_first)
    warehouse.append_run(uri, night(5))
    found = warehouse.list_runs(uri)
    assert [(run.run_id, run.sequence) for run in found] == list(zip(names(*range(6)), range(1, 7), strict=True))


@pytest.mark.parametrize("step", ["_merge_files", "_old_files"])
def test_a_merge_that_fails_is_a_warning_and_the_run_is_recorded(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no permission to delete")

    monkeypatch.setattr(tidy_runs, step, fail)
    with caplog.at_level(logging.WARNING):
        for number in range(10):
            warehouse.append_run(str(tmp_path), night(number))
    assert "no permission to delete" in caplog.text
    assert run_ids(str(tmp_path)) == names(*range(10))


@pytest.mark.parametrize(
    ("path", "is_said"),
    [
        ("../other/part.parquet", False),  # delta-rs makes a name below the table of it, under which there is nothing
        ("file://{folder}/other/part.parquet", True),
        ("s3://other/part.parquet", True),
    ],
)
def test_a_merge_deletes_nothing_that_the_log_names_outside_of_the_table(
    path: str, is_said: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(9):
        warehouse.append_run(str(tmp_path), night(number))
    other = tmp_path / "other" / "part.parquet"
    other.parent.mkdir()
    other.write_bytes(b"somebody's")
    log = tmp_path / "runs" / "_delta_log" / f"{8:020}.json"
    two_days_ago = int(time.time() - 2 * table_log.DAY_S) * 1000
    removed = {"path": path.format(folder=tmp_path), "deletionTimestamp": two_days_ago, "dataChange": True}
    log.write_text(f"{log.read_text().strip()}\n{json.dumps({'remove': removed})}\n")
    with caplog.at_level(logging.WARNING):
        warehouse.append_run(str(tmp_path), night(9))
    assert ("which lies outside" in caplog.text) == is_said
    assert other.read_bytes() == b"somebody's"
    assert run_ids(str(tmp_path)) == names(*range(10))


def test_log_files_go_only_before_a_day_old_checkpoint(tmp_path: Path) -> None:
    uri, log = str(tmp_path / "runs"), tmp_path / "runs" / "_delta_log"
    for number in range(25):
        warehouse.append_run(str(tmp_path), night(number))
    checkpoints = sorted(int(path.name[:20]) for path in log.glob("*.checkpoint.parquet"))
    assert checkpoints == [11, 21]
    assert table_log.old_log_files(uri, oldest=24) == []
    for path in log.glob("*"):
        if path.name[0] != "_" and int(path.name[:20]) <= 11:
            os.utime(path, (0, 0))
    doomed = [Path(file).name for file in table_log.old_log_files(uri, oldest=24)]
    assert doomed == [f"{version:020}.json" for version in range(11)]
    assert table_log.old_log_files(uri, oldest=10) == [], "version 10 needs what precedes it"


def test_a_full_disk_is_named_where_a_run_is_recorded_and_readers_see_the_runs_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise DeltaError("Generic LocalFileSystem error: No space left on device (os error 28)")

    for number in range(3):
        warehouse.append_run(str(tmp_path), night(number))
    monkeypatch.setattr(run_records, "write_deltalake", full)
    with pytest.raises(DiskFullError, match=f"^{tmp_path}/runs: the disk is full"):
        warehouse.append_run(str(tmp_path), night(3))
    assert run_ids(str(tmp_path)) == names(0, 1, 2)


def _append(uri: str, first: int, num_nights: int, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    for number in range(first, first + num_nights):
        warehouse.append_run(uri, night(number))


def test_a_reader_beside_two_writers_and_their_merges_sees_each_run_once_and_never_fewer_than_before(uri: str) -> None:
    warehouse.append_run(uri, night(0))
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append, args=(uri, first, 15, dict(os.environ))) for first in (100, 200)]
    for writer in writers:
        writer.start()
    seen = names(0)
    while any(writer.is_alive() for writer in writers):
        found = warehouse.list_runs(uri)
        assert [run.sequence for run in found] == list(range(1, len(found) + 1))
        before, seen = seen, [run.run_id for run in found]
        assert seen[: len(before)] == before
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert sorted(run_ids(uri)) == names(0, *range(100, 115), *range(200, 215))
    runs = warehouse.table_uri(uri, "runs")
    assert any(entry["operation"] == "WRITE" and "Overwrite" in str(entry) for entry in open_table(runs).history())
