"""Commits to Delta tables: one write of a table's log makes files that tasks have written its next version."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.transaction import AddAction, create_table_with_add_actions

from autotag_core import storage
from autotag_core.errors import AutotagError, InputError
from autotag_core.warehouse.data_files import DataFile
from autotag_core.warehouse.delta import delta_uri, open_table

FILE_RETENTION = "delta.deletedFileRetentionDuration"
FOREVER = "interval 3650 days"
_KEEP = {FILE_RETENTION: FOREVER, "delta.logRetentionDuration": FOREVER}
"""`runs` names old versions of tables. They stay until the job itself deletes what no kept run needs."""
_MARK = "userMetadata"


def commit_files(
    uri: str,
    files: Sequence[DataFile],
    schema: pa.Schema,
    mark: str,
    partition_by: Sequence[str] = (),
    after: int | None = None,
    partitions: Iterable[str] | None = None,
) -> int:
    """Commit the files as the table's next version, and return that version. A missing table is made.

    The files replace all rows, also those of another schema or partitioning. With `after` they are added to the rows of
    that version. With `after` and `partitions` they replace the rows with these values of the one partition column. The
    schema's columns keep their comments. `mark` tells this commit from every other. AutotagError where another writer
    came first: since the table was opened here, or since `after`. InputError where the place can't be written.
    """
    table = _open(uri)
    if table is not None and after is not None and table.version() != after:
        raise _came_first(uri)
    adds = after is not None and partitions is None
    actions: list[Any] = [_action(file) for file in files]
    properties = CommitProperties(custom_metadata={_MARK: mark}, max_commit_retries=0)
    delta_schema = Schema.from_arrow(schema)

    def commit() -> int:
        if table is not None and _is_partitioned(table, partition_by):
            filters = None if partitions is None else [(partition_by[0], "in", sorted(partitions))]
            table.create_write_transaction(
                actions,
                "append" if adds else "overwrite",
                delta_schema,
                list(partition_by),
                filters,
                commit_properties=properties,
            )
            return int(table.version()) + 1
        create_table_with_add_actions(
            _made(uri),
            delta_schema,
            actions,
            mode="error" if table is None else "overwrite",
            partition_by=list(partition_by),
            configuration=_KEEP,
            storage_options=storage.storage_options(uri),
            commit_properties=properties,
        )
        return 0 if table is None else int(table.version()) + 1

    return _tried(commit, uri, mark, table)


def _tried(commit: Callable[[], int], uri: str, mark: str, before: DeltaTable | None) -> int:
    """The commit's version. It is tried again where S3 broke off an answer, unless it is there all the same."""

    def landing() -> int:
        try:
            return commit()
        except (DeltaError, OSError):
            landed = _landed(uri, mark, before)
            if landed is None:
                raise
            return landed

    try:
        return storage.asked_again(landing)
    except (DeltaError, OSError) as error:
        raise storage.write_error(uri, error) from None


def _landed(uri: str, mark: str, before: DeltaTable | None) -> int | None:
    """The version, if the commit is there and only its answer was lost. AutotagError if another is there."""
    newest = _open(uri)
    if newest is not None and (before is None or newest.version() > before.version()):
        with storage.answering(uri):
            commits = storage.asked_again(lambda: newest.history(5))
        for commit in commits:
            if commit.get(_MARK) == mark:
                return int(commit["version"])
        raise _came_first(uri) from None
    return None


def _came_first(uri: str) -> AutotagError:
    return AutotagError(f"{uri}: another run has written here meanwhile: let one run at a time")


def _open(uri: str) -> DeltaTable | None:
    try:
        return open_table(uri)
    except TableNotFoundError:
        return None
    except (DeltaError, OSError) as error:
        raise InputError(f"{uri}: cannot be opened: {storage.one_line(error)}") from None


def _made(uri: str) -> str:
    """The table's place as delta-rs takes it. A local folder is made: without a file, nothing else has made it."""
    if not storage.is_s3(uri):
        with storage.explained(uri):
            storage.local_path(uri).mkdir(parents=True, exist_ok=True)
    return delta_uri(uri)


def _is_partitioned(table: DeltaTable, partition_by: Sequence[str]) -> bool:
    return list(table.metadata().partition_columns) == list(partition_by)


def _action(file: DataFile) -> AddAction:
    return AddAction(file.path, file.num_bytes, dict(file.partition), int(time.time() * 1000), True, file.stats)
