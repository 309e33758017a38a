"""What tasks write: one file each, in their order, each row once whatever becomes of a task."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark import TaskContext
from pyspark.sql import SparkSession

from autotag_core.warehouse import data_files
from udfs.tasks import table_files
from udfs.tasks.table_files import write_rows


def numbers_in(folder: Path, paths: list[str]) -> list[list[int]]:
    return [pq.read_table(folder / path)["id"].to_pylist() for path in paths]


def test_files_come_in_the_order_of_the_partitions_one_each(spark: SparkSession, tmp_path: Path) -> None:
    files = write_rows(spark.range(0, 40, 1, 4), str(tmp_path))
    assert numbers_in(tmp_path, [one.path for one in files]) == [list(range(at, at + 10)) for at in range(0, 40, 10)]


def test_tasks_without_rows_write_no_file(spark: SparkSession, tmp_path: Path) -> None:
    files = write_rows(spark.range(0, 40, 1, 4).where("id between 12 and 14"), str(tmp_path))
    assert numbers_in(tmp_path, [one.path for one in files]) == [[12, 13, 14]]


def test_small_files_are_merged_in_their_order_and_are_gone(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "MAX_SMALL", 3)
    monkeypatch.setattr(table_files, "too_small", data_files.too_small)
    (one,) = write_rows(spark.range(0, 40, 1, 4), str(tmp_path))
    assert numbers_in(tmp_path, [one.path]) == [list(range(40))]
    assert [path.name for path in tmp_path.glob("*.parquet")] == [one.path]


def test_files_that_someone_has_sized_are_kept(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_files, "MAX_SMALL", 3)
    assert len(write_rows(spark.range(0, 40, 1, 4), str(tmp_path), keeps_files=True)) == 4


@pytest.mark.parametrize("place", ["local", "s3"])
def test_a_task_that_dies_while_it_writes_costs_no_row_and_adds_none(
    spark: SparkSession, tmp_path: Path, place: str, request: pytest.FixtureRequest
) -> None:
    uri = str(tmp_path / "table") if place == "local" else f"{request.getfixturevalue('bucket')}/table"

    def die_once(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        assert context is not None
        for batch in batches:
            yield batch
            if context.partitionId() == 1 and context.attemptNumber() == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    rows_df = spark.range(0, 40_000, 1, 4).mapInArrow(die_once, "id long")
    files = write_rows(rows_df, uri, row_group_bytes=8_000)
    assert [one.num_rows for one in files] == [10_000] * 4
    assert len({one.path for one in files}) == 4


def test_who_writes_is_no_worker_that_computes(spark: SparkSession, tmp_path: Path) -> None:
    def tell(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield pa.RecordBatch.from_pydict({"pid": [os.getpid()] * len(batch), "id": batch["id"]})

    computing: set[int] = set()
    for _ in range(3):
        files = write_rows(spark.range(0, 40, 1, 4).mapInArrow(tell, "pid long, id long"), str(tmp_path))
        for one in files:
            computing |= set(pq.read_table(tmp_path / one.path)["pid"].to_pylist())
    assert len(computing) <= 2, "one on each core, as without a writer"
    assert "AUTOTAG_WORKER" not in spark.sparkContext.environment
