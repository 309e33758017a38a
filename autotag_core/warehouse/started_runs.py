"""Runs that have started and have no row in `runs`: under way, or killed.

A run writes a small file `_started/RUN_ID.json` when it starts and deletes it once its row is there. Whoever lists the
runs on the same machine asks the system for the process. From another machine it can't be asked, so the run counts as
running until the next one starts.
"""

from __future__ import annotations

import json
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.warehouse.run_records import RunRecord, list_runs

RUNNING, DIED = "running", "died"
_FOLDER = "_started"


def note_start(warehouse: str, run_id: str, started: datetime) -> None:
    """Say that this process does the run. Notes of other runs are deleted, but for those known to be alive."""
    dead = [uri for uri, note in _notes(warehouse) if not _is_known_alive(note)]
    storage.delete_files(dead)
    note = {"run_id": run_id, "started": started.isoformat(), "pid": os.getpid()}
    note |= _machine() | {"process_started": _start_of(os.getpid())}
    storage.write_bytes(_uri(warehouse, run_id), json.dumps(note).encode())


def note_end(warehouse: str, run_id: str) -> None:
    """Delete the note of a run that has its row, or needs none."""
    storage.delete_files([_uri(warehouse, run_id)])
    if not storage.is_s3(warehouse):
        with suppress(OSError):  # another run's note is there
            storage.local_path(storage.join(warehouse, _FOLDER)).rmdir()


def all_runs(warehouse: str) -> list[RunRecord]:
    """Every run of `runs`, oldest first, and after them those that are under way or were killed.

    The latter have the status RUNNING or DIED, and the sequence 0. `finished` is now for one that runs, and the start
    for one that died, since nobody knows when. InputError where there is neither.
    """
    try:
        recorded = list_runs(warehouse)
    except InputError as error:
        with suppress(InputError):
            if unended := _unended(warehouse, set()):
                return unended
        raise error from None
    with suppress(InputError):
        return recorded + _unended(warehouse, {run.run_id for run in recorded})
    return recorded


def _unended(warehouse: str, ended: set[str]) -> list[RunRecord]:
    return [_as_record(note) for _, note in _notes(warehouse) if note["run_id"] not in ended]


def _as_record(note: dict[str, Any]) -> RunRecord:
    started = datetime.fromisoformat(note["started"])
    place = f"process {note['pid']} on {note['host']}"
    if _is_gone(note):
        return RunRecord(note["run_id"], started, started, DIED, f"was killed, or its machine stopped: {place} is gone")
    where = place if _is_known_alive(note) else f"{place}, which can't be asked from here"
    return RunRecord(note["run_id"], started, datetime.now(UTC), RUNNING, where)


def _notes(warehouse: str) -> list[tuple[str, dict[str, Any]]]:
    """(URI, note) of each run that left one, oldest first. A note that can't be read is passed over."""
    found = []
    for uri in sorted(storage.list_files(storage.join(warehouse, _FOLDER))):
        with suppress(InputError, ValueError):
            found.append((uri, json.loads(storage.read_bytes(uri))))
    return found


def _is_gone(note: dict[str, Any]) -> bool:
    """Whether the process can't be alive: this machine has it no more, or has restarted since."""
    here = _machine()
    if note["host"] != here["host"] or not note["process_started"]:
        return False
    if note["boot"] != here["boot"]:
        return True
    return note["processes"] == here["processes"] and _start_of(note["pid"]) != note["process_started"]


def _is_known_alive(note: dict[str, Any]) -> bool:
    """Whether this machine has the process."""
    return _machine().items() <= note.items() and _start_of(note["pid"]) == note["process_started"] != ""


def _machine() -> dict[str, str]:
    """What tells whether a process can be asked for here: the host, its last start, and the container's processes."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    with suppress(OSError):
        return {
            "host": socket.gethostname(),
            "boot": boot.read_text().strip(),
            "processes": str(Path("/proc/self/ns/pid").readlink()),
        }
    return {"host": socket.gethostname(), "boot": "", "processes": ""}


def _start_of(pid: int) -> str:
    """When the process started, in the system's own count, so that a later one of the same id is told apart.

    Empty where there is none, where it is a zombie, and on systems without /proc.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]


def _uri(warehouse: str, run_id: str) -> str:
    return storage.join(warehouse, _FOLDER, f"{run_id}.json")
