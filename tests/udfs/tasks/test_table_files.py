"""What tasks write: one file each, in their order, each row once whatever becomes of a task."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark import TaskContext
from pyspark.sql import SparkSession

from autotag_core.local_machine import PROJECT
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


SPECULATIVE = """
import sys, time
from pathlib import Path
from pyspark import TaskContext
from autotag_core.warehouse.delta import open_table
from jobs.process.session import spark_session
from jobs.run.delta_tables import read_version, write_version

folder = sys.argv[1]
spark = spark_session("speculation", "local-cluster[2,2,1024]", {
    "spark.speculation": "true", "spark.speculation.interval": "100ms", "spark.speculation.quantile": "0.5",
    "spark.speculation.multiplier": "1.1", "spark.speculation.minTaskRuntime": "1s",
})

def slow_at_first(batches):
    context = TaskContext.get()
    place = f"{context.partitionId()}-{context.attemptNumber()}"
    Path(folder, "tries", place).touch()
    for batch in batches:
        yield batch
    waiting = time.monotonic()
    while place == "3-0" and not Path(folder, "tries", "3-1").exists() and time.monotonic() < waiting + 200:
        time.sleep(0.1)  # its rows are with the writer by now: both tries write a file
    Path(folder, "ends", place).touch()

rows_df = spark.range(0, 40, 1, 4).mapInArrow(slow_at_first, "id long")
version, num_rows = write_version(rows_df, f"{folder}/table", "mark")
ids = sorted(row["id"] for row in read_version(spark, f"{folder}/table", version, rows_df.schema).collect())
print("ROWS", num_rows, ids == list(range(40)))
"""


@pytest.mark.integration
def test_a_task_that_runs_twice_at_once_adds_no_row(tmp_path: Path) -> None:
    for name in ("tries", "ends"):
        (tmp_path / name).mkdir()
    done = subprocess.run(
        [sys.executable, "-c", SPECULATIVE, str(tmp_path)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "ROWS 40 True" in done.stdout
    tries = {path.name for path in (tmp_path / "tries").iterdir()}
    assert {"3-0", "3-1"} <= tries, "it did run twice"
