"""Rows of a DataFrame as a version of a Delta table, and read again."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from autotag_core.errors import AutotagError
from autotag_core.storage.checked import _DELTA
from autotag_core.tables import NEIGHBORS, Table
from autotag_core.warehouse.delta import open_table
from jobs.run.delta_tables import (
    has_its_files,
    read_table_version,
    read_version,
    restore_version,
    spark_schema,
    write_version,
)

ROWS = "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"


def write(spark: SparkSession, uri: str, rows: list[tuple[str, str]], **options: Any) -> tuple[int, int]:
    rows_df = spark.createDataFrame([(*row, ["n"], [0.5]) for row in rows], ROWS)
    return write_version(rows_df, uri, uuid.uuid4().hex, NEIGHBORS, **options)


def rows_at(spark: SparkSession, uri: str, version: int, table: Table = NEIGHBORS) -> list[tuple[str, str]]:
    return sorted((row[0], row[1]) for row in read_table_version(spark, uri, version, table).collect())


def test_rows_take_the_place_of_all_or_of_partitions_and_older_versions_stay(
    spark: SparkSession, tmp_path: Path
) -> None:
    uri = str(tmp_path / "a b(c)")
    assert write(spark, uri, [("a", "text"), ("b", "imagenet")]) == (0, 2)
    assert write(spark, uri, [("c", "text"), ("d", "imagenet"), ("e", "semantic")]) == (1, 3)
    assert write(spark, uri, [("f", "text")], after=1, partitions=["text", "semantic"]) == (2, 1)
    assert write(spark, uri, [("g", "text")], after=2) == (3, 1)
    assert rows_at(spark, uri, 0) == [("a", "text"), ("b", "imagenet")]
    assert rows_at(spark, uri, 1) == [("c", "text"), ("d", "imagenet"), ("e", "semantic")]
    assert rows_at(spark, uri, 2) == [("d", "imagenet"), ("f", "text")]
    assert rows_at(spark, uri, 3) == [("d", "imagenet"), ("f", "text"), ("g", "text")]


@pytest.mark.parametrize("is_local", [True, False])
def test_spark_finds_a_table_whose_path_holds_every_character_that_a_warehouse_may(
    is_local: bool, spark: SparkSession, tmp_path: Path, bucket: str
) -> None:
    name = "".join(sorted(_DELTA - {"/"}))
    uri = f"{tmp_path if is_local else bucket}/a{name}é猫😀/b{name}"
    assert write(spark, uri, [("a", "text"), ("b", "imagenet")]) == (0, 2)
    assert rows_at(spark, uri, 0) == [("a", "text"), ("b", "imagenet")]


def test_a_table_costs_one_job_and_one_commit(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "table")
    for version in range(2):
        group = uuid.uuid4().hex
        spark.sparkContext.setJobGroup(group, "write")
        assert write(spark, uri, [("a", "text"), ("b", "imagenet")])[0] == version
        assert len(spark.sparkContext.statusTracker().getJobIdsForGroup(group)) == 1
    spark.sparkContext.setJobGroup("", "")
    names = sorted(path.name for path in (tmp_path / "table" / "_delta_log").glob("*"))
    assert names == [f"{version:020d}.json" for version in range(2)]


def test_rows_of_no_declared_table_have_the_schema_of_their_own(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "table")
    rows_df = spark.createDataFrame(
        [("a", {"x": 1}, [("b", 0.5)])], "k string, m map<string,int>, l array<struct<s:string,f:double>>"
    )
    assert write_version(rows_df, uri, "mark") == (0, 1)
    assert read_version(spark, uri, 0, rows_df.schema).collect() == rows_df.collect()
    assert [field.name for field in open_table(uri).schema().fields] == ["k", "m", "l"]


def test_a_version_of_another_autotag_is_written_over_with_the_columns_of_today(
    spark: SparkSession, tmp_path: Path
) -> None:
    uri = str(tmp_path / "table")
    old_df = spark.createDataFrame([("a", "text")], "gif_id string, expert string")
    assert write_version(old_df, uri, "old") == (0, 1)
    with pytest.raises(AutotagError, match="neighbor_ids is missing"):
        read_table_version(spark, uri, 0, NEIGHBORS)
    assert write(spark, uri, [("b", "text")]) == (1, 1)
    assert rows_at(spark, uri, 1) == [("b", "text")]
    assert open_table(uri).metadata().partition_columns == ["expert"]
    assert read_version(spark, uri, 0, old_df.schema).collect() == old_df.collect()


def test_who_writes_in_between_is_found_out(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "table")
    write(spark, uri, [("a", "text")])
    write(spark, uri, [("b", "text")], after=0)
    for partitions in (None, ["text"]):
        with pytest.raises(AutotagError, match="another run has written here meanwhile"):
            write(spark, uri, [("c", "text")], after=0, partitions=partitions)
    restored = restore_version(uri, 0)
    version, _ = write(spark, uri, [("c", "text")], after=restored, partitions=["text"])
    assert rows_at(spark, uri, version) == [("c", "text")]


def test_a_version_that_has_lost_a_file_is_known(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "table")
    write(spark, uri, [("a", "text"), ("b", "imagenet")])
    assert has_its_files(uri, 0) and not has_its_files(uri, 1)
    next((tmp_path / "table" / "expert=text").glob("*.parquet")).unlink()
    assert not has_its_files(uri, 0)


def test_no_rows_have_the_columns_of_the_schema_and_start_no_worker(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "t")
    version, _ = write_version(spark.createDataFrame([], spark_schema(NEIGHBORS)), uri, "m", NEIGHBORS)
    empty_df = read_version(spark, uri, version, spark_schema(NEIGHBORS))
    assert [(field.name, field.dataType) for field in empty_df.schema] == [
        (field.name, field.dataType) for field in spark_schema(NEIGHBORS)
    ]
    assert empty_df.collect() == [] and "RDD" not in empty_df._jdf.queryExecution().executedPlan().toString()
