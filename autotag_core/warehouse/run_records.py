"""Rows of `runs`, without a JVM: appended in one order, and read."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from autotag_core import storage
from autotag_core.errors import AutotagError, InputError, NotPublishedError, is_cut_answer
from autotag_core.tables import RUNS, check_columns
from autotag_core.warehouse.delta import delta_uri, open_table, read_rows
from autotag_core.warehouse.run_inputs import RunInputs
from autotag_core.warehouse.tidy_runs import tidy_runs

_OPEN_ATTEMPTS = 8
PUBLISHED, ROLLED_BACK, UNCHANGED = "published", "rolled_back", "unchanged"
FAILED, NOT_PUBLISHED = "failed", "not_published"


@dataclass(frozen=True)
class RunRecord:
    """A row of `runs`. See tables.RUNS for the meaning of each column."""

    run_id: str
    started: datetime
    finished: datetime
    status: str
    message: str | None = None
    release_of: str | None = None
    table_versions: dict[str, int] = field(default_factory=dict)
    elasticsearch_index: str | None = None
    config: str = "{}"
    inputs: RunInputs = field(default_factory=RunInputs)
    rows_in: dict[str, int] = field(default_factory=dict)
    rows_out: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    calibration: str | None = None
    gates: dict[str, str] = field(default_factory=dict)
    sequence: int = 0
    """Set by append_run."""

    @property
    def is_release(self) -> bool:
        """Whether readers were pointed at this row's tables."""
        return self.status in (PUBLISHED, ROLLED_BACK)


def table_uri(warehouse: str, table: str) -> str:
    """Where a table of the warehouse lives."""
    return storage.join(warehouse, table)


def append_run(warehouse: str, record: RunRecord, after: int | None = None) -> None:
    """Append one row to `runs`, atomically. A status of `published` or `rolled_back` makes it the current release.

    With `after`, the sequence of the release that readers must still see (0: none): NotPublishedError, and no row,
    where another became current meanwhile.

    The row's `sequence` is one more than the greatest so far. The commit goes through only as the table's next version,
    and is made anew when another run came first. So the order is that of the commits, whatever the clocks say. Each
    tenth append makes the table's small files one (tidy_runs).
    """
    uri = table_uri(warehouse, RUNS.name)
    try:
        storage.asked_again(lambda: _append_row(warehouse, uri, record, after))
    except (DeltaError, OSError) as error:
        raise storage.write_error(uri, error) from None
    tidy_runs(uri)


def _append_row(warehouse: str, uri: str, record: RunRecord, after: int | None = None) -> None:
    while True:
        runs = _make_runs(warehouse, uri)
        earlier = _read_runs(warehouse, runs)
        if (record.run_id, record.status) in {(run.run_id, run.status) for run in earlier}:
            return  # the commit of the last try did land; only its answer was lost
        current = next((run for run in reversed(earlier) if run.is_release), None)
        if after is not None and after != (current.sequence if current else 0):
            said = f"run {current.run_id} was {current.status}" if current else "all runs were deleted"
            raise NotPublishedError(f"{warehouse}: {said} while this run worked on what readers saw before: try again")
        numbered = replace(record, sequence=max((run.sequence for run in earlier), default=0) + 1)
        try:
            write_deltalake(
                runs,
                _as_arrow([numbered]),
                mode="append",
                commit_properties=CommitProperties(max_commit_retries=0),
            )
            return
        except (DeltaError, OSError):
            newest = _open_runs(warehouse)
            if newest is not None and newest.version() == runs.version():  # nobody came first
                raise


def _make_runs(warehouse: str, uri: str) -> DeltaTable:
    """The table, made without a row where there is none.

    A record is only ever written to an opened table. Without one, delta-rs commits after whatever is there, without a
    conflict, and two records could get the same number. A store that does not list a file right after the write is
    asked again.
    """
    for attempt in range(_OPEN_ATTEMPTS):
        runs = _open_runs(warehouse)
        if runs is not None:
            return runs
        time.sleep(0.1 * attempt)
        try:
            if not storage.is_s3(uri):
                storage.local_path(uri).mkdir(parents=True, exist_ok=True)
            write_deltalake(delta_uri(uri), _as_arrow([]), mode="ignore", storage_options=storage.storage_options(uri))
        except (DeltaError, OSError) as error:
            if _open_runs(warehouse) is None and not is_cut_answer(error):
                raise storage.write_error(uri, error) from None
    raise InputError(f"{uri}: was written {_OPEN_ATTEMPTS} times and still is not there: check the store")


def list_runs(warehouse: str) -> list[RunRecord]:
    """Every run, oldest first (in the order in which they were recorded). InputError where there is no warehouse."""
    runs = _open_runs(warehouse)
    if runs is None:
        raise InputError(
            f"{warehouse}: no run was ever recorded here: check --warehouse, or run `autotag nightly` first"
        )
    return _read_runs(warehouse, runs)


def recorded_runs(warehouse: str) -> list[RunRecord]:
    """As list_runs, but none where no run was ever recorded. InputError where that can't be read."""
    return _read_runs(warehouse, _open_runs(warehouse))


def _open_runs(warehouse: str) -> DeltaTable | None:
    storage.check_warehouse(warehouse)
    try:
        return open_table(table_uri(warehouse, RUNS.name))
    except TableNotFoundError:
        storage.check_reachable(warehouse)
        return None
    except (DeltaError, OSError) as error:
        storage.check_reachable(warehouse)
        raise InputError(f"{warehouse}: cannot read its runs: {storage.one_line(error)}") from None


def _read_runs(warehouse: str, runs: DeltaTable | None) -> list[RunRecord]:
    if runs is None:
        return []
    try:
        rows = read_rows(runs, table_uri(warehouse, RUNS.name), RUNS).to_pylist()
    except (DeltaError, OSError) as error:
        raise InputError(f"{warehouse}: cannot read its runs: {storage.one_line(error)}") from None
    rows.sort(key=lambda row: row["sequence"])
    return [_as_record({**row, **{name: dict(row[name] or []) for name in _MAPS}}) for row in rows]


def _as_record(row: dict[str, Any]) -> RunRecord:
    return RunRecord(**row | {"inputs": RunInputs.from_map(row["inputs"])})


def _as_row(record: RunRecord) -> dict[str, Any]:
    return asdict(record) | {"inputs": record.inputs.to_map()}


def _as_arrow(records: list[RunRecord]) -> pa.Table:
    rows = [_as_row(record) for record in records]
    columns = {
        name: [sorted(row[name].items()) if name in _MAPS else row[name] for row in rows] for name in RUNS.schema.names
    }
    return pa.table(columns, schema=RUNS.plain_schema)


_MAPS = [item.name for item in RUNS.schema if pa.types.is_map(item.type)]


def new_run_id(started: datetime) -> str:
    """UTC time and six random hex digits. It sorts by time, and runs that start together get different ones."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(3).hex()}"


def check_writable(warehouse: str) -> None:
    """InputError in one line if no run could be recorded here: no bucket, no permission, other columns in `runs`.

    It leaves nothing behind: a missing table `runs` is not made.
    """
    storage.check_warehouse(warehouse)
    probe = storage.join(warehouse, "_probe", os.urandom(4).hex())
    storage.write_bytes(probe, bytes(4096))  # a full disk still takes an empty file
    try:
        if storage.is_s3(warehouse) and storage.create_file(probe, b""):
            raise InputError(f"{warehouse}: this store ignores If-None-Match: two runs could take each other's place")
    finally:
        storage.delete_prefix(storage.join(warehouse, "_probe"))
    runs = _open_runs(warehouse)
    if runs is not None:
        _check_runs(warehouse, runs)


def _check_runs(warehouse: str, runs: DeltaTable) -> None:
    try:
        check_columns(RUNS, pa.schema(runs.schema().to_arrow()))
    except AutotagError as error:
        raise InputError(f"{warehouse}: made by another version of autotag, choose another one: {error}") from None


def as_json(record: RunRecord) -> str:
    """The record as one JSON object, times in ISO 8601."""
    return json.dumps(_as_row(record), default=lambda value: value.isoformat(), ensure_ascii=False)
