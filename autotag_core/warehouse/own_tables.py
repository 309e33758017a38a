"""Tables with versions of their own, which no nightly run writes: their newest version is what readers see."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from autotag_core import storage
from autotag_core.errors import AutotagError, InputError
from autotag_core.tables import Table
from autotag_core.tables.table import check_columns
from autotag_core.warehouse.data_files import write_files
from autotag_core.warehouse.delta import open_table, read_rows
from autotag_core.warehouse.delta_commits import commit_files
from autotag_core.warehouse.run_records import table_uri

_ATTEMPTS = 8
"""Other writers may come first so many times."""


def read_newest(
    warehouse: str, table: Table, columns: Sequence[str] | None = None, where: pc.Expression | None = None
) -> tuple[pa.Table, int] | None:
    """Rows of the table's newest version, filtered while they are read, and that version. None: no such table.

    InputError where a file of it is damaged, or where it has other columns.
    """
    uri = table_uri(warehouse, table.name)
    try:
        delta = _newest(uri)
        if delta is None:
            storage.check_reachable(warehouse)
            return None
        _check_layout(delta, uri, table)
        return read_rows(delta, uri, table, columns, where), delta.version()
    except (DeltaError, pa.ArrowException, OSError) as error:
        raise InputError(f"{uri}: cannot be read: {storage.one_line(error)}") from None


def newest_version(warehouse: str, table: Table) -> int | None:
    """The table's newest version. None: no such table."""
    uri = table_uri(warehouse, table.name)
    try:
        delta = _newest(uri)
    except (DeltaError, OSError) as error:
        raise InputError(f"{uri}: cannot be read: {storage.one_line(error)}") from None
    if delta is None:
        storage.check_reachable(warehouse)
    return None if delta is None else int(delta.version())


def replace_rows(warehouse: str, table: Table, rows: list[dict[str, Any]]) -> int:
    """Write the table's next version with these rows alone; gives that version."""
    uri = table_uri(warehouse, table.name)
    content = pa.Table.from_pylist(rows, schema=table.plain_schema)
    return commit_files(uri, list(write_files(content.to_batches(), uri)), table.schema, uuid.uuid4().hex)


def append_rows(warehouse: str, table: Table, rows: pa.Table) -> int:
    """Add the rows in one commit; gives the version. Writers that come at once all land, one after the other."""
    uri, mark = table_uri(warehouse, table.name), uuid.uuid4().hex
    files = list(write_files(rows.to_batches(), uri, table.partition_by))
    for attempt in range(_ATTEMPTS):
        delta = _newest(uri)
        after = None if delta is None else int(delta.version())
        try:
            return commit_files(uri, files, table.schema, mark, table.partition_by, after)
        except InputError:
            raise
        except AutotagError:  # another writer came first
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _check_layout(delta: DeltaTable, uri: str, table: Table) -> None:
    try:
        check_columns(table, pa.schema(delta.schema().to_arrow()))
    except AutotagError as error:
        raise InputError(f"{uri}: another version of autotag made it: {error}") from None


def _newest(uri: str) -> DeltaTable | None:
    try:
        return open_table(uri)
    except TableNotFoundError:
        return None
