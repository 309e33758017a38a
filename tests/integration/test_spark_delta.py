"""The tables as Spark with Delta sees them: its own session reads, filters, appends to and cleans what the job wrote.

Delta's jar is there for the oldest Spark that is supported: these tests are of `make test-oldest`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest
from pyspark.sql import SparkSession

from autotag_core.local_machine import PROJECT, S3Server
from autotag_core.local_machine.jars import DELTA, require
from autotag_core.local_machine.shipped import is_oldest_spark
from autotag_core.tables import NEIGHBORS
from autotag_core.warehouse.delta import open_table, read_rows
from jobs.run.delta_tables import read_version, spark_schema, write_version

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not is_oldest_spark(), reason="Delta's jar is there for the oldest Spark: make test-oldest"),
]
COLUMNS = "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"
ODD = "two words/50%=half"
"""A value of a partition column whose folder has to be written otherwise."""
FIRST = [
    ("a", "imagenet", ["b"], [0.5]),
    ("b", "text", ["a"], [0.5]),
    ("a", ODD, ["c"], [0.25]),
    ("z", "text", [], []),
]
SECOND = [("c", "imagenet", ["d", "e"], [0.0, 1.0])]

# What Spark with Delta says about each table, as JSON in the last line of the output.
LOOK = """
import json, sys
from jobs.process.session import _class_path, spark_session
jars, *uris = sys.argv[1:]
spark = spark_session("delta", "local[2]", is_short=True, extra={
    "spark.driver.extraClassPath": f"{_class_path()}:{jars}/*",
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # small tables: tens of tasks for a snapshot, and thousands for a vacuum, would be minutes
    "spark.databricks.delta.snapshotPartitions": "2",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
    "spark.sql.shuffle.partitions": "2",
})

def look(uri):
    table = f"delta.`{uri}`"
    def at(version):
        return spark.read.format("delta").option("versionAsOf", version).load(uri)
    def rows(version):
        names = ["gif_id", "expert", "neighbor_ids", "distances"]
        return sorted(list(row) for row in at(version).select(names).collect())
    def folders(condition):
        return [path.rsplit("/", 2)[1] for path in at(0).where(condition).inputFiles()]
    seen = {
        "versions": [rows(0), rows(1)],
        "history": [[row.version, row.userMetadata] for row in spark.sql(f"DESCRIBE HISTORY {table}").collect()],
        "comments": {row.col_name: row.comment for row in spark.sql(f"DESCRIBE TABLE {table}").collect()},
        "partition_columns": spark.sql(f"DESCRIBE DETAIL {table}").first().partitionColumns,
        "num_files": [len(folders(where)) for where in ("gif_id >= 'a'", "gif_id > 'y'", "gif_id = 'none'")],
        "folders": folders("expert = 'imagenet'"),
    }
    added_df = spark.createDataFrame([("y", "text", ["x"], [0.75])], at(1).schema)
    added_df.write.format("delta").mode("append").save(uri)
    spark.sql(f"DELETE FROM {table} WHERE gif_id = 'c'")
    spark.sql(f"VACUUM {table}")
    return seen | {"after": rows(3)}

print(json.dumps([look(uri) for uri in uris]))
"""


@dataclass(frozen=True)
class Looked:
    """A table that the job wrote twice, and what Spark with Delta saw before it changed it."""

    uri: str
    seen: dict[str, Any]


def write(spark: SparkSession, uri: str, rows: list[tuple[Any, ...]], mark: str) -> int:
    # GIFs by range, so that files differ in those that they hold
    rows_df = spark.createDataFrame(rows, COLUMNS).repartitionByRange(3, "gif_id")
    return write_version(rows_df, uri, mark, NEIGHBORS)[0]


@pytest.fixture(scope="module")
def by_place(spark: SparkSession, s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Looked]:
    """A session of its own, and both places in it: starting one takes longer than all that it is asked."""
    folder = tmp_path_factory.mktemp("a b")
    s3.client().create_bucket(Bucket="spark-delta")
    uris = {"local": str(folder / "neighbors"), "s3": "s3a://spark-delta/warehouse/neighbors"}
    for uri in uris.values():
        write(spark, uri, FIRST, "first run")
        write(spark, uri, SECOND, "second run")
    (folder / "look.py").write_text(LOOK)
    done = subprocess.run(
        [sys.executable, "look.py", str(require(DELTA)), *uris.values()],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    return {place: Looked(uri, seen) for (place, uri), seen in zip(uris.items(), answers, strict=True)}


@pytest.fixture(params=["local", "s3"])
def looked(request: pytest.FixtureRequest, by_place: dict[str, Looked]) -> Looked:
    return by_place[request.param]


def test_each_version_has_its_rows_and_its_run(looked: Looked) -> None:
    assert looked.seen["versions"] == [sorted(map(list, FIRST)), [list(row) for row in SECOND]]
    assert looked.seen["history"] == [[1, "second run"], [0, "first run"]]


def test_columns_have_their_comments_and_folders(looked: Looked) -> None:
    comments = {field.name: field.metadata[b"comment"].decode() for field in NEIGHBORS.schema}
    assert comments.items() <= looked.seen["comments"].items()
    assert looked.seen["partition_columns"] == ["expert"]


def test_files_that_hold_none_of_what_is_asked_are_skipped(looked: Looked) -> None:
    # of the first version's four files one holds z, and none what is not between their least and greatest GIF
    assert looked.seen["num_files"] == [4, 1, 0]
    assert looked.seen["folders"] == ["expert=imagenet"]


def test_what_delta_has_changed_and_cleaned_is_read_and_written_on_here(looked: Looked, spark: SparkSession) -> None:
    uri, added = looked.uri, ("y", "text", ["x"], [0.75])
    assert looked.seen["after"] == [list(added)]
    [row] = read_rows(open_table(uri, 3), uri, NEIGHBORS).to_pylist()
    assert tuple(row[name] for name in ("gif_id", "expert", "neighbor_ids", "distances")) == added
    first_df = read_version(spark, uri, 0, spark_schema(NEIGHBORS))
    assert sorted(map(list, first_df.collect())) == sorted(map(list, FIRST))
    version = write(spark, uri, SECOND, "third run")
    assert read_rows(open_table(uri, version), uri, NEIGHBORS)["gif_id"].to_pylist() == ["c"]
