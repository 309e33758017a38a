"""Delta tables by URI, without a JVM: open one at a version, its live files, their rows as Arrow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable

from autotag_core import storage
from autotag_core.tables import Table, check_columns

_AHEAD = 4
"""Batches that are read before they are asked for."""


def open_table(uri: str, version: int | None = None) -> DeltaTable:
    """The Delta table at the URI, at its newest version or the given one. OutageError where S3 does not answer."""
    with storage.answering(uri):
        options = storage.storage_options(uri)
        return storage.asked_again(lambda: DeltaTable(delta_uri(uri), version=version, storage_options=options))


def live_files(delta: DeltaTable, uri: str) -> list[str]:
    """URIs of the files that hold the rows of this version.

    They are below the URI as the caller wrote it. delta-rs encodes the table's own path, and that names no local file.
    InputError where the log names a file outside of the table. Delta allows it for copies without data, which the job
    never makes: it would be read, and sent on, with the rights of whoever reads the table.
    """
    paths = pa.table(delta.get_add_actions(flatten=True))["path"].to_pylist()
    return [storage.below(uri, unquote(path)) for path in paths]


def row_counts(delta: DeltaTable, column: str | None = None) -> dict[str | None, int]:
    """The number of rows of this version by value of the partition column, or of all under None. Only the log is read.

    Every commit of the job says how many rows each of its files has.
    """
    actions = pa.table(delta.get_add_actions(flatten=True))
    if not len(actions):
        return {}
    values = [None] * len(actions) if column is None else actions[f"partition.{column}"].to_pylist()
    counts: Counter[str | None] = Counter()
    for value, num_rows in zip(values, actions["num_records"].to_pylist(), strict=True):
        counts[value] += num_rows
    return dict(counts)


def read_rows(
    delta: DeltaTable, uri: str, table: Table, columns: Sequence[str] | None = None, where: pc.Expression | None = None
) -> pa.Table:
    """Rows of this version as Arrow, filtered while they are read. One AutotagError lists every wrong column.

    OutageError where S3 does not answer.
    """
    dataset = dataset_of(delta, uri, table)
    if dataset is None:
        rows = table.plain_schema.empty_table()
        return rows.select(list(columns)) if columns else rows
    with storage.answering(uri):
        return dataset.to_table(columns=list(columns) if columns else None, filter=where)


def scan_rows(
    delta: DeltaTable, uri: str, table: Table, columns: Sequence[str] | None = None, where: pc.Expression | None = None
) -> Iterator[pa.RecordBatch]:
    """As read_rows, a batch at a time, so that memory does not grow with the table. Files and rows in any order."""
    dataset = dataset_of(delta, uri, table)
    if dataset is None:
        return
    names = list(columns) if columns else None
    scanner = dataset.scanner(columns=names, filter=where, batch_readahead=_AHEAD, fragment_readahead=2)
    with storage.answering(uri):
        yield from scanner.to_batches()


def dataset_of(delta: DeltaTable, uri: str, table: Table) -> ds.Dataset | None:
    """The live files of this version; None where it has none."""
    check_columns(table, pa.schema(delta.schema().to_arrow()))
    files = live_files(delta, uri)
    if not files:
        return None
    schema = table.plain_schema
    filesystem, (root, *paths) = storage.arrow_paths([uri, *files])
    return ds.dataset(
        paths,
        schema=schema,
        filesystem=filesystem,
        format="parquet",
        partitioning=ds.HivePartitioning(pa.schema([schema.field(name) for name in table.partition_by])),
        partition_base_dir=root,  # a folder above the table may be named like version=2
    )


def delta_uri(uri: str) -> str:
    """The URI as delta-rs takes it: s3:// for S3, a plain path for local. InputError for one that makes it panic."""
    storage.check_warehouse(uri)
    if storage.is_s3(uri):
        return "s3://" + uri.partition("://")[2]
    return str(storage.local_path(uri))
