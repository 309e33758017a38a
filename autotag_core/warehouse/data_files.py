"""Writes a table's Parquet files from tasks. A file is there whole or not at all, under a name no other file ever had.

A file counts only once a commit names it. So a task that dies, is tried again or runs twice leaves a file that nobody
reads, and never a row too many.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from autotag_core import storage
from autotag_core.warehouse.file_statistics import statistics_json

MAX_BYTES = 256 * 2**20
"""A file of this size is closed and the next one begun: a reader takes whole files."""
ROW_GROUP_BYTES = 64 * 2**20
"""Rows in memory, uncompressed, when they are written as a row group."""
SMALL_BYTES, MAX_SMALL = 16 * 2**20, 16
"""A partition's files are merged if more than MAX_SMALL of them are smaller than SMALL_BYTES on average..."""
MERGED_BYTES = 128 * 2**20
"""...into files of about this size."""

Partition = tuple[tuple[str, str | None], ...]
"""Partition columns with their values."""


@dataclass(frozen=True)
class DataFile:
    """A file that a task has written. `path` is below the table; `stats` are as Delta's log holds them."""

    path: str
    num_bytes: int
    num_rows: int
    partition: Partition
    stats: str

    def as_row(self) -> dict[str, Any]:
        """The file as a row of ROWS."""
        return asdict(self) | {"partition": json.dumps(self.partition)}

    @staticmethod
    def from_row(row: dict[str, Any]) -> DataFile:
        """The file of a row of ROWS."""
        pairs = tuple((name, value) for name, value in json.loads(row["partition"]))
        return DataFile(**{**row, "partition": pairs})


ROWS = pa.schema(
    [
        ("path", pa.string()),
        ("num_bytes", pa.int64()),
        ("num_rows", pa.int64()),
        ("partition", pa.string()),
        ("stats", pa.string()),
    ]
)
"""Data files as rows, which tasks send to the driver."""


def write_files(
    batches: Iterable[pa.RecordBatch],
    uri: str,
    partition_by: Sequence[str] = (),
    row_group_bytes: int = ROW_GROUP_BYTES,
    max_bytes: int = MAX_BYTES,
) -> Iterator[DataFile]:
    """Write the rows below the URI, in their order, and give the files that hold them; none where there are no rows.

    Each value of the partition columns has a folder of its own, named as Hive does. Memory: `row_group_bytes` for each
    value that the rows have. Disk, where the URI is on S3: a file for each value.
    """
    with ExitStack() as stack:
        folders: dict[Partition, _Folder] = {}
        for batch in batches:
            for partition, rows in _by_partition(batch, partition_by):
                if partition not in folders:
                    folder = _Folder(uri, partition, row_group_bytes, max_bytes)
                    folders[partition] = stack.enter_context(folder)
                yield from folders[partition].add(rows)
        for folder in folders.values():
            yield from folder.finish()


def too_small(files: Sequence[DataFile]) -> list[list[DataFile]]:
    """Groups of files of one partition; each group should become one file. In the order of the files."""
    by_partition: dict[Partition, list[DataFile]] = {}
    for file in files:
        by_partition.setdefault(file.partition, []).append(file)
    groups: list[list[DataFile]] = []
    for members in by_partition.values():
        total = sum(file.num_bytes for file in members)
        if len(members) <= MAX_SMALL or total >= SMALL_BYTES * len(members):
            continue
        size = MERGED_BYTES  # a full group, so that the first file begins one
        for file in members:
            if size >= MERGED_BYTES:
                groups.append([])
                size = 0
            groups[-1].append(file)
            size += file.num_bytes
    return groups


def merge_files(uri: str, files: Sequence[DataFile]) -> Iterator[DataFile]:
    """Write the rows of these files of one partition, in their order, as few files. The old files stay."""
    with (
        TemporaryDirectory(prefix=storage.SCRATCH) as scratch,
        _Folder(uri, files[0].partition, ROW_GROUP_BYTES, MAX_BYTES) as folder,
    ):
        local = Path(scratch, "part.parquet")
        for file in files:
            storage.download_file(storage.join(uri, file.path), local)
            yield from folder.add(pq.read_table(local, partitioning=None))
        yield from folder.finish()


def _by_partition(batch: pa.RecordBatch, partition_by: Sequence[str]) -> Iterator[tuple[Partition, pa.Table]]:
    """The rows of each partition, without the partition columns, in their order."""
    table = pa.Table.from_batches([batch])
    if not partition_by:
        if table.num_rows:
            yield (), table
        return
    rows = table.drop_columns(list(partition_by))
    for values in table.select(list(partition_by)).group_by(list(partition_by)).aggregate([]).to_pylist():
        is_here = None
        for name in partition_by:
            value = values[name]
            same = pc.is_null(table[name]) if value is None else pc.fill_null(pc.equal(table[name], value), False)
            is_here = same if is_here is None else pc.and_(is_here, same)
        partition = tuple((name, None if values[name] is None else str(values[name])) for name in partition_by)
        yield partition, rows.filter(is_here)


class _Folder:
    """Files of one partition, one open at a time. After an error no file is left that is not whole."""

    def __init__(self, uri: str, partition: Partition, row_group_bytes: int, max_bytes: int) -> None:
        self._uri, self._partition = uri, partition
        self._row_group_bytes, self._max_bytes = row_group_bytes, max_bytes
        self._name = "/".join(f"{name}={_hive_value(value)}" for name, value in partition)
        self._waiting: list[pa.Table] = []
        self._num_waiting = 0
        self._open: _File | None = None

    def __enter__(self) -> _Folder:
        return self

    def __exit__(self, *error: Any) -> None:
        if self._open is None:
            return
        try:
            self._open.stack.__exit__(*error)
        except Exception:
            if error[0] is None:  # else the first error is the one to explain: on a full disk closing fails too
                raise

    def add(self, rows: pa.Table) -> Iterator[DataFile]:
        """Take the rows; give the file if they filled one."""
        self._waiting.append(rows)
        self._num_waiting += rows.nbytes
        if self._num_waiting >= self._row_group_bytes:
            yield from self._write()

    def finish(self) -> Iterator[DataFile]:
        """Write the rows that wait; give the last file, if there is one."""
        yield from self._write()
        yield from self._close()

    def _write(self) -> Iterator[DataFile]:
        if not self._waiting:
            return
        rows = pa.concat_tables(self._waiting)
        self._waiting, self._num_waiting = [], 0
        # one `add` may bring far more than a row group: batches of Arrow have any number of rows
        step = max(1, math.ceil(rows.num_rows / max(1, round(rows.nbytes / self._row_group_bytes))))
        for start in range(0, rows.num_rows, step):
            if self._open is None:
                name = f"part-{uuid.uuid4().hex}.parquet"
                with storage.explained(self._uri):
                    self._open = _File(self._uri, f"{self._name}/{name}" if self._name else name, rows.schema)
            with storage.explained(self._uri):  # no space, no right to write
                self._open.writer.write_table(rows.slice(start, step), row_group_size=step)
            if self._open.local.stat().st_size >= self._max_bytes:
                yield from self._close()

    def _close(self) -> Iterator[DataFile]:
        if self._open is None:
            return
        file, self._open = self._open, None
        with storage.explained(self._uri):
            file.stack.close()
        (metadata,) = file.metadata
        yield DataFile(file.path, file.num_bytes(), metadata.num_rows, self._partition, statistics_json(metadata))


class _File:
    """A file that is being written. It appears under its name when its stack is closed."""

    def __init__(self, uri: str, path: str, schema: pa.Schema) -> None:
        self.path = path
        self.metadata: list[pq.FileMetaData] = []
        self._size = 0
        with ExitStack() as stack:
            self.local = stack.enter_context(storage.new_file(storage.join(uri, path)))
            stack.callback(self._measure)
            # a writer that opened the file itself would not close it on a full disk, and so keep its space
            sink = stack.enter_context(pa.OSFile(str(self.local), "wb"))
            # Arrow's own schema is not stored: readers go by the table's
            self.writer = stack.enter_context(
                pq.ParquetWriter(sink, schema, store_schema=False, metadata_collector=self.metadata)
            )
            self.stack = stack.pop_all()

    def _measure(self) -> None:
        """Called after the writer has closed, before the file moves to its place."""
        self._size = self.local.stat().st_size

    def num_bytes(self) -> int:
        """Size of the whole file, once it is closed."""
        return self._size


def _hive_value(value: str | None) -> str:
    """The value as Hive, and so Spark, names its folder."""
    return "__HIVE_DEFAULT_PARTITION__" if value is None else quote(value, safe="-_. ")
