"""Runs without a row: one whose process is gone, or that gives no sign of life, died; any other runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autotag_core import storage, warehouse
from autotag_core.errors import InputError
from autotag_core.warehouse import RunRecord, holder, lease
from autotag_core.warehouse.unended_runs import all_runs

START = datetime(2026, 11, 22, 1, tzinfo=UTC)
NIGHT = """
import sys, time
from autotag_core.warehouse import lease
lease.take(sys.argv[1], sys.argv[2])
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture(params=["local", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    base = str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    return f"{base}/gifs and ü'`/version=2/warehouse"


def statuses(uri: str) -> list[tuple[str, str]]:
    return [(run.run_id, run.status) for run in all_runs(uri)]


def change_note(uri: str, **changes: object) -> None:
    place = lease._uri(uri, 1)
    storage.write_bytes(place, json.dumps(json.loads(storage.read_bytes(place)) | changes).encode())


def test_a_night_that_was_killed_is_listed_as_died_until_two_others_have_started(uri: str) -> None:
    warehouse.append_run(uri, RunRecord("r1", START, START, "published", release_of="r1"))
    night = subprocess.Popen([sys.executable, "-c", NIGHT, uri, "r2"], stdout=subprocess.PIPE, text=True)
    assert night.stdout is not None and night.stdout.readline() == "started\n"
    assert statuses(uri) == [("r1", "published"), ("r2", "running")]
    night.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, night.pid, os.WEXITED | os.WNOWAIT)
    assert statuses(uri) == [("r1", "published"), ("r2", "died")], "nobody has waited for it: it is a zombie"
    night.wait()
    (died,) = all_runs(uri)[1:]
    assert died.started == died.finished
    assert f"process {night.pid} on " in str(died.message)
    assert [run.run_id for run in warehouse.list_runs(uri)] == ["r1"]
    with lease.held(uri, "r3"):
        assert statuses(uri) == [("r1", "published"), ("r2", "died"), ("r3", "running")]
    assert statuses(uri) == [("r1", "published"), ("r2", "died")]
    with lease.held(uri, "r4"):
        assert statuses(uri) == [("r1", "published"), ("r4", "running")]


def test_a_run_with_its_row_is_not_listed_twice(uri: str) -> None:
    lease.take(uri, "r1")
    assert statuses(uri) == [("r1", "running")], "no run was ever recorded here, and one is under way"
    warehouse.append_run(uri, RunRecord("r1", START, START, "failed"))
    assert statuses(uri) == [("r1", "failed")]


def test_a_run_of_another_machine_has_died_when_it_gives_no_sign_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease.take(str(tmp_path), "r1")
    change_note(str(tmp_path), host="elsewhere", boot="another", pid=2**30)
    (found,) = all_runs(str(tmp_path))
    assert found.status == "running" and f"process {2**30} on elsewhere, last sign of life" in str(found.message)
    monkeypatch.setattr("autotag_core.warehouse.unended_runs.LEASE_S", -1)
    assert statuses(str(tmp_path)) == [("r1", "died")]


@pytest.mark.parametrize("changes", [{"pid": 2**30}, {"process_started": "1"}, {"boot": "before the restart"}])
def test_no_process_one_of_the_same_id_and_a_restart_of_the_machine_mean_that_it_died(
    changes: dict[str, object], tmp_path: Path
) -> None:
    lease.take(str(tmp_path), "r1")
    change_note(str(tmp_path), **changes)
    assert statuses(str(tmp_path)) == [("r1", "died")]


def test_a_file_that_is_no_lease_and_a_system_without_processes_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holder, "start_of", lambda _: "")
    lease.take(str(tmp_path), "r1")
    (tmp_path / "_lease" / "0.json").write_text("{half")
    assert statuses(str(tmp_path)) == [("r1", "running")]


def test_where_there_is_no_run_at_all_the_message_says_so(uri: str) -> None:
    with pytest.raises(InputError, match="no run was ever recorded here"):
        all_runs(uri)
