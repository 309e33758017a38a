"""A run writes tables at versions of its own, and counts what its commits hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
import structlog
from pyspark.sql import DataFrame, SparkSession

from autotag_core.config import Config
from autotag_core.errors import AutotagError, InputError, NotPublishedError
from autotag_core.tables import CATALOG, FAILURES, NEIGHBORS, Table
from autotag_core.warehouse import append_run, current_release, list_runs, read_table
from jobs.process.progress import Progress
from jobs.release.publish_run import recorded
from jobs.run.run import Run
from jobs.run.stages import stage
from jobs.run.staging import Staging

FAILURE = "gif_id string, stage string, reason string, message string"


def new_run(spark: SparkSession, warehouse: str) -> Run:
    log: Any = structlog.get_logger()
    return Run(spark, Config(), warehouse, log, Progress(spark.sparkContext, is_terminal=False))


def test_a_run_replaces_the_rows_of_an_earlier_run_and_keeps_its_own(spark: SparkSession, tmp_path: Path) -> None:
    rows = [[(f"g{number}", "frames", "not_found", "gone")] for number in range(3)]
    first, second = new_run(spark, str(tmp_path)), new_run(spark, str(tmp_path))
    assert first.failures.add(spark.createDataFrame(rows[0], FAILURE)) == 1
    assert second.failures.add(spark.createDataFrame(rows[1], FAILURE)) == 1
    assert second.failures.add(spark.createDataFrame(rows[2], FAILURE)) == 1
    assert [row["gif_id"] for row in first.tables.read(FAILURES).collect()] == ["g0"]
    assert sorted(row["gif_id"] for row in second.tables.read(FAILURES).collect()) == ["g1", "g2"]


def test_no_rows_are_a_version_too(spark: SparkSession, tmp_path: Path) -> None:
    none_df = spark.createDataFrame([], FAILURE)
    for _ in range(2):
        run = new_run(spark, str(tmp_path))
        assert run.failures.add(none_df) == 0
        assert run.failures.add(none_df) == 0
        assert run.tables.read(FAILURES).count() == 0


def test_wrong_columns_are_refused_before_anything_is_written(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(AutotagError, match=r"uri is missing.*popularity is string, it must be int64"):
        new_run(spark, str(tmp_path)).tables.write(
            CATALOG, spark.createDataFrame([], "gif_id string, popularity string")
        )
    assert not list(tmp_path.iterdir())


def test_a_stage_that_fails_stops_its_progress_and_is_not_timed(spark: SparkSession, tmp_path: Path) -> None:
    run = new_run(spark, str(tmp_path))
    with pytest.raises(ValueError, match="broken"), run.timed("votes"):
        run.expect(3)
        raise ValueError("broken")
    assert run.facts.rows_in == {"votes": 3} and run.facts.seconds == {}


def test_a_warehouse_below_any_folder_name_is_written_found_and_published(spark: SparkSession, tmp_path: Path) -> None:
    run = new_run(spark, f"{tmp_path}/gifs and ü'`\"/version=2")
    rows = [("a", "imagenet", ["b"], [0.5]), ("b", "semantic", [], [])]
    neighbors_df = spark.createDataFrame(
        rows, "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"
    )
    assert run.tables.write(NEIGHBORS, neighbors_df) == 2
    staged_df, num_rows = run.staging.write("some rows", neighbors_df.where("gif_id = 'a'"))
    assert (num_rows, staged_df.count()) == (1, 1)
    run.staging.clean_up()
    assert not list(Path(run.warehouse).glob("_staging/*"))
    append_run(run.warehouse, run.to_record("published"))
    found = read_table(run.warehouse, "neighbors", current_release(run.warehouse))
    assert sorted(tuple(row.values()) for row in found.to_pylist()) == rows


def test_the_version_is_that_of_the_runs_own_commit_whoever_writes_in_between(
    spark: SparkSession, tmp_path: Path
) -> None:
    first, second = new_run(spark, str(tmp_path)), new_run(spark, str(tmp_path))
    for run, gif_id in ((first, "one"), (second, "two")):
        run.failures.add(spark.createDataFrame([(gif_id, "frames", "not_found", "gone")], FAILURE))
    assert (first.tables.versions, second.tables.versions) == ({"failures": 0}, {"failures": 1})
    assert [row["gif_id"] for row in first.tables.read(FAILURES).collect()] == ["one"]
    with pytest.raises(AutotagError, match="failures: another run has written here meanwhile"):
        first.failures.add(spark.createDataFrame([], FAILURE))


def test_failures_are_counted_by_reason_as_they_are_written_for_a_run_that_fails_too(
    spark: SparkSession, tmp_path: Path
) -> None:
    run = new_run(spark, str(tmp_path))
    run.failures.add(
        spark.createDataFrame([("a", "catalog", "missing_uri", ""), (None, "catalog", "row", "")], FAILURE)
    )
    run.failures.add(
        spark.createDataFrame([("b", "frames", "not_found", ""), ("c", "frames", "not_found", "")], FAILURE)
    )
    run.failures.add(spark.createDataFrame([], FAILURE))
    assert run.to_record("failed").failures == {"catalog:missing_uri": 1, "catalog:row": 1, "frames:not_found": 2}


@pytest.mark.parametrize("kind", [InputError, NotPublishedError])
def test_an_error_of_an_executor_ends_the_run_as_what_it_was_there(
    kind: type[AutotagError], spark: SparkSession, tmp_path: Path
) -> None:
    run = new_run(spark, str(tmp_path))

    def fail(batches: Iterable[Any]) -> Iterator[Any]:
        raise kind("weights /r50: no such file")

    run.failures.add(spark.createDataFrame([], FAILURE))
    rows_df = spark.range(1).mapInPandas(fail, FAILURE)
    with pytest.raises(kind, match=r"^weights /r50: no such file$"), recorded(run):
        run.failures.add(rows_df)
    with pytest.raises(kind, match=r"^weights /r50: no such file$"), recorded(new_run(spark, str(tmp_path))):
        rows_df.collect()
    (found,) = [ended for ended in list_runs(str(tmp_path)) if ended.run_id == run.run_id]
    assert found.message == "weights /r50: no such file"
    assert found.status == ("not_published" if kind is NotPublishedError else "failed")


def test_any_other_error_of_an_executor_is_one_line_in_the_record(spark: SparkSession, tmp_path: Path) -> None:
    run = new_run(spark, str(tmp_path))

    def fail(batches: Iterable[Any]) -> Iterator[Any]:
        raise ValueError("boom at s3a://AKIA1:se/cret@gifs/x")

    with pytest.raises(Exception, match="boom"), recorded(run):
        run.failures.add(spark.range(1).mapInPandas(fail, FAILURE))
    (found,) = list_runs(str(tmp_path))
    assert (found.status, found.message) == ("failed", "ValueError: boom at s3a://gifs/x")


def lists(spark: SparkSession, *rows: tuple[str, str, list[str]]) -> DataFrame:
    schema = "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"
    return spark.createDataFrame([(*row, [0.0] * len(row[2])) for row in rows], schema)


def test_a_run_that_stands_on_a_release_replaces_partitions_of_it_and_of_no_later_version(
    spark: SparkSession, tmp_path: Path
) -> None:
    old, same, lost, new = (
        ("a", "imagenet", ["b"]),
        ("a", "text", ["c"]),
        ("z", "text", ["z"]),
        ("a", "imagenet", ["x"]),
    )
    first = new_run(spark, str(tmp_path))
    first.tables.write(NEIGHBORS, lists(spark, old, same))
    append_run(first.warehouse, first.to_record("published"))
    failed = new_run(spark, str(tmp_path))
    failed.tables.write(NEIGHBORS, lists(spark, lost))

    second = new_run(spark, str(tmp_path))
    second.tables.base = current_release(second.warehouse)
    second.tables.adopt(NEIGHBORS)
    assert second.tables.is_adopted(NEIGHBORS) and second.tables.versions == first.tables.versions
    assert second.tables.replace(NEIGHBORS, lists(spark, new), ["imagenet"]) == 1
    assert not second.tables.is_adopted(NEIGHBORS)
    found = sorted(tuple(row)[:3] for row in second.tables.read(NEIGHBORS).collect())
    assert found == [new, same]
    counted = second.tables.num_rows(NEIGHBORS), second.tables.num_base_rows(NEIGHBORS)
    assert (*counted, second.tables.rows_by_expert(NEIGHBORS)) == (2, 2, {"imagenet": 1, "text": 1})
    files = sorted(path.name for path in (tmp_path / "neighbors" / "expert=text").glob("*.parquet"))
    assert len(files) == 2, "those of the first and of the failed run, none of the second"


def test_failures_are_held_until_it_is_known_whether_anything_changed(spark: SparkSession, tmp_path: Path) -> None:
    run = new_run(spark, str(tmp_path))
    run.failures.hold()
    rows = [
        [("g1", "catalog", "missing_uri", "")],
        [("g2", "frames", "not_found", ""), ("g3", "frames", "not_found", "")],
    ]
    assert [run.failures.add(spark.createDataFrame(part, FAILURE)) for part in rows] == [1, 2]
    assert run.failures.counts == {"catalog:missing_uri": 1, "frames:not_found": 2}
    assert not run.tables.has(FAILURES)
    run.failures.release()
    assert run.tables.read(FAILURES).count() == 3
    assert run.failures.add(spark.createDataFrame([("g4", "search_documents", "refused_document", "")], FAILURE)) == 1
    assert run.tables.read(FAILURES).count() == 4


def test_rows_that_the_driver_holds_are_a_table_in_order_without_a_job(spark: SparkSession, tmp_path: Path) -> None:
    run = new_run(spark, str(tmp_path))
    jobs = spark.sparkContext.statusTracker()
    spark.sparkContext.setJobGroup("held", "rows that the driver holds")
    rows = [("b", "text", ["c"], [0.5]), ("a", "text", [], []), ("a", "imagenet", ["x"], [0.0])]
    names = ("gif_id", "expert", "neighbor_ids", "distances")
    table = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=NEIGHBORS.plain_schema)
    assert run.tables.write_here(NEIGHBORS, table.slice(0, 2)) == 2
    assert run.tables.write_here(NEIGHBORS, table.slice(2)) == 1
    assert list(jobs.getJobIdsForGroup("held")) == []
    assert [tuple(row) for row in run.tables.read(NEIGHBORS).where("expert = 'text'").collect()] == [rows[1], rows[0]]
    assert run.tables.rows_by_expert(NEIGHBORS) == {"imagenet": 1, "text": 2}
    with pytest.raises(AutotagError, match="distances is missing"):
        run.tables.write_here(NEIGHBORS, table.drop_columns(["distances"]))
    spark.sparkContext.setJobGroup("", "")


def test_what_killed_runs_staged_is_dropped_and_a_run_without_the_right_to_is_only_warned(tmp_path: Path) -> None:
    log, nothing = structlog.get_logger(), cast(Any, None)
    run = Run(nothing, Config(), str(tmp_path), log, nothing)
    (tmp_path / "_staging" / "killed" / "frames").mkdir(parents=True)
    (tmp_path / "catalog").mkdir()
    run.staging.drop_others(run.log)
    assert [path.name for path in tmp_path.iterdir()] == ["catalog"]
    Staging("s3a://never-[made", "r1").drop_others(log)


def test_the_record_of_a_run_holds_its_settings_and_names_tables_only_when_published(spark: SparkSession) -> None:
    run = new_run(spark, "/nowhere")
    run.tables.versions["catalog"] = 4
    published, failed = run.to_record("published"), run.to_record("failed", "why")
    assert (published.release_of, published.table_versions) == (run.run_id, {"catalog": 4})
    assert (failed.release_of, failed.table_versions, failed.message) == (None, {}, "why")
    run.facts.elasticsearch_index = "gifs-1"
    assert (run.to_record("published").elasticsearch_index, run.to_record("failed").elasticsearch_index) == (
        "gifs-1",
        None,
    )
    assert Config.model_validate_json(published.config) == run.config
    assert published.started <= published.finished


@stage("votes", reads=(CATALOG,), writes=(NEIGHBORS,), unit="lists")
def copy_neighbors(run: Run, rows_df: DataFrame, *more: Table) -> int:
    """A stage that reads what it is told to, whatever it has declared."""
    run.expect(2)
    run.facts.rows_out["votes"] = run.tables.write(NEIGHBORS, rows_df)
    return sum(run.tables.read(table).count() for table in more)


def test_a_stage_is_timed_and_reads_and_writes_what_it_has_declared(spark: SparkSession, tmp_path: Path) -> None:
    run, rows_df = new_run(spark, str(tmp_path)), lists(spark, ("a", "imagenet", ["b"]), ("b", "imagenet", []))
    run.failures.add(spark.createDataFrame([], FAILURE))
    assert copy_neighbors(run, rows_df, NEIGHBORS) == 2
    assert (run.facts.rows_in, run.facts.rows_out) == ({"votes": 2}, {"votes": 2}) and run.facts.seconds["votes"] > 0
    with pytest.raises(AutotagError, match=r"^stage votes reads the table failures, which it does not declare$"):
        copy_neighbors(run, rows_df, FAILURES)
    assert run.tables.read(FAILURES).count() == 0, "outside of stages anything may be read"
    undeclared = stage("weights", reads=(CATALOG,))(lambda run: run.tables.write(NEIGHBORS, rows_df))
    with pytest.raises(AutotagError, match=r"^stage weights writes the table neighbors, which it does not declare$"):
        undeclared(run)
