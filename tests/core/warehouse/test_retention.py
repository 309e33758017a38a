"""Old table versions: what a kept release names stays readable, what only dropped ones name is gone from disk."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from autotag_core import storage, warehouse
from autotag_core.errors import InputError
from autotag_core.tables import NEIGHBORS
from autotag_core.warehouse import RunRecord, table_log
from autotag_core.warehouse.data_files import write_files
from autotag_core.warehouse.delta import open_table
from autotag_core.warehouse.delta_commits import commit_files
from autotag_core.warehouse.retention import drop_old_reports, drop_old_versions, report_uri, shorten_logs

START = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(params=["local", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    base = str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    return f"{base}/gifs and ü'`/version=2/warehouse"


def write(uri: str, gif_id: str, mode: str = "overwrite") -> int:
    """A row in each of two partitions; returns the version."""
    target = warehouse.table_uri(uri, "neighbors")
    rows = [{"gif_id": gif_id, "expert": expert, "neighbor_ids": [], "distances": []} for expert in ("a", "b ü")]
    batches = pa.Table.from_pylist(rows, schema=NEIGHBORS.plain_schema).to_batches()
    files = list(write_files(batches, target, ["expert"]))
    after = open_table(target).version() if mode == "append" else None
    return commit_files(target, files, NEIGHBORS.schema, gif_id, ["expert"], after)


def release(uri: str, number: int, **changes: object) -> RunRecord:
    """A night that writes its table in two commits, as the job does."""
    write(uri, f"g{number}")
    version = write(uri, f"h{number}", "append")
    when = START + timedelta(days=number)
    record = RunRecord(f"r{number}", when, when, "published", release_of=f"r{number}")
    record = replace(record, table_versions={"neighbors": version}, **changes)
    warehouse.append_run(uri, record)
    return record


def gif_ids(uri: str, run_id: str) -> list[str]:
    found = warehouse.read_table(uri, "neighbors", warehouse.current_release(uri, run_id), ["gif_id"])
    return sorted(set(found["gif_id"].to_pylist()))


def num_data_files(uri: str) -> int:
    files = storage.list_files(warehouse.table_uri(uri, "neighbors"))
    return sum(file.endswith(".parquet") and "_delta_log" not in file for file in files)


def test_the_newest_releases_stay_readable_and_the_files_of_older_ones_are_deleted(uri: str) -> None:
    for number in range(4):
        release(uri, number)
    assert num_data_files(uri) == 16
    assert drop_old_versions(uri, keep=2) == {"neighbors": 8}
    assert num_data_files(uri) == 8
    assert (gif_ids(uri, "r2"), gif_ids(uri, "r3")) == (["g2", "h2"], ["g3", "h3"])
    with pytest.raises(InputError, match="cannot be read at version"):
        gif_ids(uri, "r1")
    with pytest.raises(InputError, match=r"neighbors: version 3 has lost 4 of its files: it was dropped"):
        warehouse.rollback(uri, "r1")
    assert warehouse.current_release(uri).run_id == "r3"
    assert [run.run_id for run in warehouse.list_runs(uri)] == ["r0", "r1", "r2", "r3"], "its record stays"
    assert drop_old_versions(uri, keep=2) == {}


def test_fewer_releases_than_are_kept_lose_nothing(uri: str) -> None:
    for number in range(2):
        release(uri, number)
    assert drop_old_versions(uri, keep=2) == {}
    assert num_data_files(uri) == 8


def test_what_a_rollback_names_is_kept_however_old(tmp_path: Path) -> None:
    uri = str(tmp_path)
    for number in range(3):
        release(uri, number)
    back = warehouse.rollback(uri, "r0")
    for number in range(3, 6):
        release(uri, number)
    assert drop_old_versions(uri, keep=1) == {"neighbors": 16}
    assert gif_ids(uri, back.run_id) == ["g0", "h0"] == gif_ids(uri, "r0")
    assert gif_ids(uri, "r5") == ["g5", "h5"]


def test_what_was_written_after_the_current_release_is_not_touched(tmp_path: Path) -> None:
    uri = str(tmp_path)
    for number in range(3):
        release(uri, number)
    running = write(uri, "running")
    (tmp_path / "neighbors" / "expert=a" / "about-to-be-committed.parquet").write_bytes(b"x")
    assert drop_old_versions(uri, keep=1) == {"neighbors": 8}
    table = DeltaTable(str(tmp_path / "neighbors"))
    assert table.version() == running
    paths = pa.table(table.get_add_actions())["path"].to_pylist()
    assert paths and all((tmp_path / "neighbors" / unquote(path)).is_file() for path in paths)
    assert (tmp_path / "neighbors" / "expert=a" / "about-to-be-committed.parquet").is_file()
    assert gif_ids(uri, "r2") == ["g2", "h2"]


def test_a_rollback_leaves_newer_kept_releases_whole(tmp_path: Path) -> None:
    uri = str(tmp_path)
    for number in range(4):
        release(uri, number)
    back = warehouse.rollback(uri, "r1")
    assert drop_old_versions(uri, keep=2) == {"neighbors": 4}
    assert gif_ids(uri, back.run_id) == ["g1", "h1"]
    assert gif_ids(uri, "r3") == ["g3", "h3"]


def test_files_of_failed_runs_go_with_the_versions_around_them(tmp_path: Path) -> None:
    uri = str(tmp_path)
    release(uri, 0)
    write(uri, "failed")
    release(uri, 1)
    assert drop_old_versions(uri, keep=1) == {"neighbors": 6}
    assert gif_ids(uri, "r1") == ["g1", "h1"]


def test_the_reports_of_releases_that_are_not_kept_are_deleted_and_nothing_else(uri: str) -> None:
    for number in range(4):
        release(uri, number)
        storage.write_bytes(report_uri(uri, f"r{number}"), b"<!doctype html>")
    storage.write_bytes(storage.join(uri, "reports", "ours.html"), b"somebody's own page")
    assert drop_old_reports(uri, keep=None) == []
    assert drop_old_reports(uri, keep=2) == ["r0", "r1"]
    assert drop_old_reports(uri, keep=2) == []
    left = [name.rpartition("/")[2] for name in storage.list_files(storage.join(uri, "reports"))]
    assert sorted(left) == ["ours.html", "r2.html", "r3.html"]


def test_checkpoints_of_the_log_hide_nothing(tmp_path: Path) -> None:
    uri = str(tmp_path)
    for number in range(8):
        release(uri, number)
        if number in (3, 5):
            DeltaTable(str(tmp_path / "neighbors")).create_checkpoint()
    assert drop_old_versions(uri, keep=3) == {"neighbors": 20}
    assert [gif_ids(uri, f"r{number}") for number in (5, 6, 7)] == [["g5", "h5"], ["g6", "h6"], ["g7", "h7"]]


@pytest.mark.parametrize("keep", [1, None])
def test_a_day_old_file_that_no_commit_names_is_deleted_and_a_younger_one_is_not(
    tmp_path: Path, keep: int | None
) -> None:
    uri = str(tmp_path)
    release(uri, 0)
    failed = write(uri, "failed")
    release(uri, 1)
    folder = tmp_path / "neighbors" / "expert=a"
    names = [folder / "dead-task.parquet", folder / ".part-1.parquet.7.abc.partial", folder / "somebody-s-work.parquet"]
    for path in names:
        path.write_bytes(b"x")
    for path in [*tmp_path.rglob("*.parquet"), names[1]]:
        if path != names[2]:
            os.utime(path, (0, 0))
    assert drop_old_versions(uri, keep) == {"neighbors": 8 if keep else 2}
    assert [path.exists() for path in names] == [False, False, True]
    assert gif_ids(uri, "r1") == ["g1", "h1"]
    if keep is None:
        assert gif_ids(uri, "r0") == ["g0", "h0"]
        assert all((tmp_path / "neighbors" / unquote(path)).is_file() for path in paths_at(uri, failed)), "it is named"


def paths_at(uri: str, version: int) -> list[str]:
    return pa.table(open_table(f"{uri}/neighbors", version).get_add_actions())["path"].to_pylist()


def test_a_table_whose_log_forgets_is_left_alone(tmp_path: Path) -> None:
    uri = str(tmp_path)
    release(uri, 0)
    DeltaTable(f"{uri}/neighbors").alter.set_table_properties(
        {"delta.deletedFileRetentionDuration": "interval 1 weeks"}
    )
    stray = tmp_path / "neighbors" / "expert=a" / "stray.parquet"
    stray.write_bytes(b"x")
    os.utime(stray, (0, 0))
    assert drop_old_versions(uri, None) == {}
    assert stray.exists()


def log_files(uri: str, age_s: float = 0) -> list[str]:
    log = storage.join(warehouse.table_uri(uri, "neighbors"), "_delta_log")
    return [file.removeprefix(f"{log}/") for file in storage.list_files(log, age_s)]


def test_the_log_of_a_table_stays_short_over_the_nights_and_every_kept_release_stays_readable(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each night is two commits, and is a day after the one before."""
    monkeypatch.setattr(table_log, "DAY_S", 0)
    for number in range(24):
        release(uri, number)
        drop_old_versions(uri, keep=3)
        shorten_logs(uri, keep=3)
        assert table_log.commits_to_replay(warehouse.table_uri(uri, "neighbors")) <= table_log.MAX_COMMITS
        for kept in range(max(0, number - 2), number + 1):
            assert gif_ids(uri, f"r{kept}") == [f"g{kept}", f"h{kept}"]
    names = log_files(uri)
    assert len([name for name in names if name.endswith(".json")]) < 24
    assert len([name for name in names if name.endswith(".checkpoint.parquet")]) <= 2
    for action in (warehouse.check_release, warehouse.rollback):
        with pytest.raises(InputError, match="neighbors: no version 1 any more: it was dropped"):
            action(uri, "r0")


@pytest.mark.parametrize("keep", [2, None])
def test_the_log_of_what_a_rollback_names_and_of_all_releases_where_all_are_kept_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keep: int | None
) -> None:
    monkeypatch.setattr(table_log, "DAY_S", 0)
    uri = str(tmp_path)
    for number in range(20):
        release(uri, number)
        if number == 8 and keep:
            warehouse.rollback(uri, "r7")
        shorten_logs(uri, keep)
    first = 7 if keep else 0
    assert [gif_ids(uri, f"r{number}") for number in range(first, 20)] == [
        [f"g{number}", f"h{number}"] for number in range(first, 20)
    ]
    assert (f"{0:020}.json" in log_files(uri)) == (keep is None)


def test_a_young_log_is_left_alone(tmp_path: Path) -> None:
    uri = str(tmp_path)
    for number in range(20):
        release(uri, number)
        shorten_logs(uri, keep=1)
    assert len([name for name in log_files(uri) if name.endswith(".json")]) == 40


def test_a_table_that_the_current_release_leaves_out_and_one_never_committed_lose_their_old_files_too(
    tmp_path: Path,
) -> None:
    uri = str(tmp_path)
    for number in range(3):
        release(uri, number)
    when = START + timedelta(days=3)
    warehouse.append_run(uri, RunRecord("without", when, when, "published", release_of="without"))
    strays = [tmp_path / "neighbors" / "stray.parquet", tmp_path / "catalog" / "stray.parquet"]
    young = tmp_path / "catalog" / "young.parquet"
    young.parent.mkdir()
    for path in (*strays, young):
        path.write_bytes(b"x")
    for path in strays:
        os.utime(path, (0, 0))
    assert drop_old_versions(uri, keep=2) == {"catalog": 1, "neighbors": 9}
    assert [path.exists() for path in (*strays, young)] == [False, False, True]
    assert gif_ids(uri, "r2") == ["g2", "h2"]
