"""Runs without a row: one whose process is gone is listed as died, any other as running."""

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
from autotag_core.warehouse import RunRecord, started_runs
from autotag_core.warehouse.started_runs import all_runs, note_end, note_start

START = datetime(2026, 11, 22, 1, tzinfo=UTC)
NIGHT = """
import sys, time
from datetime import datetime
from autotag_core.warehouse.started_runs import note_start
note_start(sys.argv[1], sys.argv[2], datetime.fromisoformat(sys.argv[3]))
print("started", flush=True)
time.sleep(600)
"""


@pytest.fixture(params=["local", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    base = str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    return f"{base}/gifs and ü'`/version=2/warehouse"


def statuses(uri: str) -> list[tuple[str, str]]:
    return [(run.run_id, run.status) for run in all_runs(uri)]


def change_note(uri: str, run_id: str, **changes: object) -> None:
    place = storage.join(uri, "_started", f"{run_id}.json")
    note = json.loads(storage.read_bytes(place))
    storage.write_bytes(place, json.dumps(note | changes).encode())


def test_a_night_that_was_killed_is_listed_as_died_until_the_next_one_starts(uri: str) -> None:
    warehouse.append_run(uri, RunRecord("r1", START, START, "published", release_of="r1"))
    night = subprocess.Popen(
        [sys.executable, "-c", NIGHT, uri, "r2", START.isoformat()], stdout=subprocess.PIPE, text=True
    )
    assert night.stdout is not None and night.stdout.readline() == "started\n"
    assert statuses(uri) == [("r1", "published"), ("r2", "running")]
    night.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, night.pid, os.WEXITED | os.WNOWAIT)
    assert statuses(uri) == [("r1", "published"), ("r2", "died")], "nobody has waited for it: it is a zombie"
    night.wait()
    (died,) = all_runs(uri)[1:]
    assert (died.status, died.started, died.finished) == ("died", START, START)
    assert f"process {night.pid} on " in str(died.message)
    assert [run.run_id for run in warehouse.list_runs(uri)] == ["r1"]
    note_start(uri, "r3", START)
    assert statuses(uri) == [("r1", "published"), ("r3", "running")]
    note_end(uri, "r3")
    assert statuses(uri) == [("r1", "published")]
    assert [file for file in storage.list_files(uri) if "_started" in file] == []


def test_a_run_with_its_row_is_not_listed_twice(uri: str) -> None:
    note_start(uri, "r1", START)
    assert statuses(uri) == [("r1", "running")], "no run was ever recorded here, and one is under way"
    warehouse.append_run(uri, RunRecord("r1", START, START, "failed"))
    assert statuses(uri) == [("r1", "failed")]


def test_a_process_of_another_machine_runs_as_far_as_anybody_here_can_tell(tmp_path: Path) -> None:
    uri = str(tmp_path)
    note_start(uri, "r1", START)
    change_note(uri, "r1", host="elsewhere", boot="another", pid=2**30)
    (found,) = all_runs(uri)
    assert (found.status, found.message) == (
        "running",
        f"process {2**30} on elsewhere, which can't be asked from here",
    )
    note_start(uri, "r2", START)
    assert statuses(uri) == [("r2", "running")]


@pytest.mark.parametrize("changes", [{"pid": 2**30}, {"process_started": "1"}, {"boot": "before the restart"}])
def test_no_process_one_of_the_same_id_and_a_restart_of_the_machine_mean_that_it_died(
    changes: dict[str, object], tmp_path: Path
) -> None:
    note_start(str(tmp_path), "r1", START)
    change_note(str(tmp_path), "r1", **changes)
    assert statuses(str(tmp_path)) == [("r1", "died")]


def test_a_second_night_by_mistake_leaves_the_note_of_the_first(tmp_path: Path) -> None:
    for run_id in ("r1", "r2"):
        note_start(str(tmp_path), run_id, START)
    assert statuses(str(tmp_path)) == [("r1", "running"), ("r2", "running")]


def test_a_note_that_cannot_be_read_and_a_system_without_processes_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(started_runs, "_start_of", lambda _: "")
    note_start(str(tmp_path), "r1", START)
    (tmp_path / "_started" / "r0.json").write_text("{half")
    assert statuses(str(tmp_path)) == [("r1", "running")]


def test_where_there_is_no_run_at_all_the_message_says_so(uri: str) -> None:
    with pytest.raises(InputError, match="no run was ever recorded here"):
        all_runs(uri)
