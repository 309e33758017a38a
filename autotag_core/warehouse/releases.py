"""Releases of a warehouse, without a JVM: which run is current, its tables, publication and rollback.

A run writes its tables as new Delta versions that no reader knows of. One append to `runs` names them: that append is
the publication. Readers take the last published row and read each table at the version it names, so they see a whole
release or none. An append is one conditional write of one log file. Two runs that finish together both land, and their
`sequence` gives the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.tables import TABLES
from autotag_core.warehouse.delta import dataset_of, live_files, open_table, read_rows, scan_rows
from autotag_core.warehouse.run_records import (
    ROLLED_BACK,
    RunRecord,
    append_run,
    list_runs,
    new_run_id,
    recorded_runs,
    table_uri,
)


def current_release(warehouse: str, run_id: str | None = None) -> RunRecord:
    """The release that readers see, or the one that `run_id` published. InputError where there is none."""
    releases = [run for run in list_runs(warehouse) if run.is_release]
    if run_id is not None:
        releases = [run for run in releases if run.run_id == run_id]
    if not releases:
        wanted = f"run {run_id} published nothing" if run_id else "no run has been published yet"
        raise InputError(f"{warehouse}: {wanted}; `autotag runs --warehouse {warehouse}` lists the runs")
    return releases[-1]


def release_before(warehouse: str, run_id: str | None = None) -> RunRecord:
    """The release that readers saw before the current one, or before that of `run_id`. InputError: it was the first."""
    release = current_release(warehouse, run_id)
    earlier = [run for run in list_runs(warehouse) if run.is_release and run.sequence < release.sequence]
    if not earlier:
        raise InputError(f"{warehouse}: run {release.run_id} made the first release, so there is none before it")
    return earlier[-1]


def last_release(warehouse: str) -> RunRecord | None:
    """The release that readers see; None where no run has published. InputError where that can't be read."""
    return next((run for run in reversed(recorded_runs(warehouse)) if run.is_release), None)


def read_table(
    warehouse: str,
    name: str,
    release: RunRecord,
    columns: Sequence[str] | None = None,
    where: pc.Expression | None = None,
) -> pa.Table:
    """A table of the release as Arrow, filtered while it is read, with the columns of autotag_core/tables."""
    uri, table = table_uri(warehouse, name), _open_released(warehouse, name, release)
    try:
        return read_rows(table, uri, TABLES[name], columns, where)
    except OSError as error:
        raise InputError(f"{uri}: cannot be read at version {table.version()}: {storage.one_line(error)}") from None


def scan_table(
    warehouse: str,
    name: str,
    release: RunRecord,
    columns: Sequence[str] | None = None,
    where: pc.Expression | None = None,
) -> Iterator[pa.RecordBatch]:
    """As read_table, a batch at a time, so that memory does not grow with the table."""
    uri, table = table_uri(warehouse, name), _open_released(warehouse, name, release)
    try:
        yield from scan_rows(table, uri, TABLES[name], columns, where)
    except OSError as error:
        raise InputError(f"{uri}: cannot be read at version {table.version()}: {storage.one_line(error)}") from None


def release_dataset(warehouse: str, name: str, release: RunRecord) -> ds.Dataset | pa.Table:
    """A table of the release that is read when somebody asks for rows of it, such as DuckDB."""
    uri, delta = table_uri(warehouse, name), _open_released(warehouse, name, release)
    found = dataset_of(delta, uri, TABLES[name])
    return TABLES[name].plain_schema.empty_table() if found is None else found


def table_files(warehouse: str, name: str, release: RunRecord) -> list[str]:
    """URIs of the live Parquet files of a table at the release's version."""
    return live_files(_open_released(warehouse, name, release), table_uri(warehouse, name))


def _open_released(warehouse: str, name: str, release: RunRecord) -> DeltaTable:
    if name not in release.table_versions:
        raise InputError(f"{warehouse}: run {release.run_id} has no table {name}")
    uri, version = table_uri(warehouse, name), release.table_versions[name]
    try:
        return open_table(uri, version)
    except (DeltaError, OSError) as error:
        why = storage.one_line(error)
        if isinstance(error, TableNotFoundError):  # its log is gone
            why = "it was dropped (warehouse.keep_releases), or somebody deleted it"
        raise InputError(f"{uri}: no version {version} any more: {why}") from None


def check_release(warehouse: str, run_id: str) -> RunRecord:
    """The release of a run, if every file of all its tables is still there; InputError where one is not."""
    release = current_release(warehouse, run_id)
    check_files(warehouse, release)
    return release


def check_files(warehouse: str, release: RunRecord) -> None:
    """InputError where a file of the release's tables is no longer there."""
    for name, version in release.table_versions.items():
        uri = table_uri(warehouse, name)
        missing = set(table_files(warehouse, name, release)) - set(storage.list_files(uri))
        if missing:
            raise InputError(
                f"{uri}: version {version} has lost {len(missing)} of its files: it was dropped "
                "(warehouse.keep_releases), or somebody deleted them"
            )


def rollback(
    warehouse: str, run_id: str, elasticsearch_index: str | None = None, as_run: str | None = None
) -> RunRecord:
    """Make the tables of an earlier release current again, by one append. Nothing is rewritten or lost.

    The append is recorded as a run of its own, a new one where `as_run` names none.
    Its documents may by now be in another index than the one it was published with. InputError, and no change, where
    one of its tables is no longer there at that version.
    """
    earlier = check_release(warehouse, run_id)
    now = datetime.now(UTC)
    record = replace(
        earlier,
        run_id=as_run or new_run_id(now),
        started=now,
        finished=datetime.now(UTC),
        status=ROLLED_BACK,
        message=f"rolled back to {earlier.release_of or earlier.run_id}",
        release_of=earlier.release_of or earlier.run_id,
        elasticsearch_index=elasticsearch_index or earlier.elasticsearch_index,
        seconds={},
    )
    append_run(warehouse, record)
    return record
