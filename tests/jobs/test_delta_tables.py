"""Rows in place of others: what readers see of each version, and that Spark does not count the table for it."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from autotag_core.delta import open_table
from autotag_core.errors import AutotagError
from jobs.delta_tables import read_version, restore_version, write_version

ROWS = "gif_id string, expert string"


def checksum(uri: str, version: int) -> dict[str, Any]:
    return dict(json.loads((Path(uri) / "_delta_log" / f"{version:020d}.crc").read_text()))


def write(spark: SparkSession, uri: str, rows: list[tuple[str, str]], **options: Any) -> tuple[int, int]:
    rows_df = spark.createDataFrame(rows, ROWS).coalesce(1)
    return write_version(rows_df, uri, uuid.uuid4().hex, partition_by=("expert",), **options)


def rows_at(spark: SparkSession, uri: str, version: int) -> list[tuple[str, str]]:
    schema = spark.createDataFrame([], ROWS).schema
    return sorted((row[0], row[1]) for row in read_version(spark, uri, version, schema).collect())


def test_rows_take_the_place_of_all_or_of_partitions_and_older_versions_stay(
    spark: SparkSession, tmp_path: Path
) -> None:
    uri = str(tmp_path / "a b")
    assert write(spark, uri, [("a", "text"), ("b", "imagenet")]) == (0, 2)
    assert write(spark, uri, [("c", "text"), ("d", "imagenet"), ("e", "semantic")]) == (2, 3)
    assert write(spark, uri, [("f", "text")], where="expert in ('text', 'semantic')", after=2) == (4, 1)
    assert write(spark, uri, [("g", "text")], mode="append", after=4) == (5, 1)
    assert rows_at(spark, uri, 0) == [("a", "text"), ("b", "imagenet")]
    assert rows_at(spark, uri, 2) == [("c", "text"), ("d", "imagenet"), ("e", "semantic")]
    assert rows_at(spark, uri, 4) == [("d", "imagenet"), ("f", "text")]
    assert rows_at(spark, uri, 5) == [("d", "imagenet"), ("f", "text"), ("g", "text")]
    assert spark.read.format("delta").load(uri).count() == 3


def test_what_is_overwritten_costs_no_look_at_the_whole_table(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "table")
    write(spark, uri, [("a", "text"), ("b", "imagenet")])
    for where in (None, "expert = 'text'"):
        group = uuid.uuid4().hex
        spark.sparkContext.setJobGroup(group, "overwrite")
        version, _ = write(spark, uri, [("c", "text")], where=where)
        assert len(spark.sparkContext.statusTracker().getJobIdsForGroup(group)) == 1
        files = pa.table(open_table(uri).get_add_actions(flatten=True)).to_pylist()
        known = checksum(uri, version)
        assert (known["numFiles"], known["tableSizeBytes"]) == (len(files), sum(file["size_bytes"] for file in files))
        assert {unquote(file["path"]) for file in known["allFiles"]} == {unquote(file["path"]) for file in files}
    spark.sparkContext.setJobGroup("", "")


def test_after_a_removal_by_partition_the_checksum_is_of_the_files_that_are_left(
    spark: SparkSession, tmp_path: Path
) -> None:
    uri = str(tmp_path / "table")
    write(spark, uri, [("a", "text"), ("b", "imagenet")])
    known = checksum(uri, 0)
    write(spark, uri, [("c", "text")], where="expert = 'text'")
    (left,) = [file for file in known["allFiles"] if "imagenet" in file["path"]]
    removed = checksum(uri, 1)
    assert removed["allFiles"] == [left]
    assert (removed["numFiles"], removed["tableSizeBytes"]) == (1, left["size"])
    assert {name: removed[name] for name in ("metadata", "protocol")} == {
        name: known[name] for name in ("metadata", "protocol")
    }


def test_other_columns_or_partitions_are_a_new_schema_in_one_commit(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "table")
    write(spark, uri, [("a", "text")])
    wider_df = spark.createDataFrame([("b", "text", 1)], f"{ROWS}, number int")
    assert write_version(wider_df, uri, "wider", partition_by=("expert",)) == (1, 1)
    assert write_version(wider_df, uri, "flat") == (2, 1)
    assert [field.name for field in open_table(uri).schema().fields] == ["gif_id", "expert", "number"]
    assert open_table(uri).metadata().partition_columns == []


@pytest.mark.parametrize("damage", ["gone", "broken", "other"])
def test_without_a_checksum_the_rows_are_the_same(spark: SparkSession, tmp_path: Path, damage: str) -> None:
    uri = str(tmp_path / "table")
    write(spark, uri, [("a", "text"), ("b", "imagenet")])
    path = Path(uri) / "_delta_log" / f"{0:020d}.crc"
    path.unlink()
    (path.parent / f".{path.name}.crc").unlink(missing_ok=True)
    if damage != "gone":
        path.write_text({"broken": "{", "other": "{}"}[damage])
    version, _ = write(spark, uri, [("c", "text")], where="expert = 'text'")
    assert rows_at(spark, uri, version) == [("b", "imagenet"), ("c", "text")]


def test_who_writes_in_between_is_found_out(spark: SparkSession, tmp_path: Path) -> None:
    uri = str(tmp_path / "table")
    write(spark, uri, [("a", "text")])
    write(spark, uri, [("b", "text")], mode="append")
    for options in ({"mode": "append"}, {"where": "expert = 'text'"}):
        with pytest.raises(AutotagError, match="another run has written here meanwhile"):
            write(spark, uri, [("c", "text")], after=0, **options)
    restored = restore_version(uri, 0)
    version, _ = write(spark, uri, [("c", "text")], where="expert = 'text'", after=restored)
    assert rows_at(spark, uri, version) == [("c", "text")]
