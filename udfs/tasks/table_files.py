"""Rows in, Parquet files of a table out: every task writes its own, and says which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core import storage
from autotag_core.warehouse.data_files import ROW_GROUP_BYTES, ROWS, DataFile, merge_files, too_small, write_files

_ROLE = "AUTOTAG_WORKER"
"""Variable that sets a pool of Python workers apart."""


def write_rows(
    rows_df: DataFrame,
    uri: str,
    partition_by: Sequence[str] = (),
    row_group_bytes: int = ROW_GROUP_BYTES,
    keeps_files: bool = False,
) -> list[DataFile]:
    """Write the rows below the URI; gives the files, in the order of the partitions of rows_df.

    A task writes at least one file for each value of the partition columns that its rows have, and begins another at
    256 MB. If that gives many small files, tasks merge them, unless `keeps_files`. Cost: one pass over the rows, and
    one over the small files; the driver sees a row of about 500 bytes for each file.
    """

    def write_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for file in write_files(batches, uri, partition_by, row_group_bytes):
            yield pa.RecordBatch.from_pylist([file.as_row()], schema=ROWS)

    files = _collected(rows_df, write_partition)
    return files if keeps_files else _merged(rows_df.sparkSession, uri, files)


@contextmanager
def _own_workers(spark: SparkSession) -> Iterator[None]:
    """Functions that are given to Spark within the block run in Python workers of their own.

    Spark hands a task any idle worker of the same environment. A stage that writes what another function gives keeps
    two busy on each core. Without this, a worker that writes now would load the networks next, so they would be loaded
    twice as often and in twice the memory.
    """
    environment = spark.sparkContext.environment
    environment[_ROLE] = "writer"
    try:
        yield
    finally:
        del environment[_ROLE]


def _merged(spark: SparkSession, uri: str, files: list[DataFile]) -> list[DataFile]:
    groups = too_small(files)
    if not groups:
        return files
    small = {file.path for group in groups for file in group}

    def merge_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch["id"].to_pylist():
                for file in merge_files(uri, groups[number]):
                    yield pa.RecordBatch.from_pylist([file.as_row()], schema=ROWS)

    merged = _collected(spark.range(0, len(groups), 1, len(groups)), merge_partition)
    storage.delete_files([storage.join(uri, path) for path in small])
    return [file for file in files if file.path not in small] + merged


def _collected(
    rows_df: DataFrame, write: Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]
) -> list[DataFile]:
    """The files that tasks write of the rows, in the order of the partitions."""
    with _own_workers(rows_df.sparkSession):
        written_df = rows_df.mapInArrow(write, from_arrow_schema(ROWS))
    return [DataFile.from_row(row.asDict()) for row in written_df.collect()]
