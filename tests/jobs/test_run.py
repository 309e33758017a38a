"""A run writes tables at versions of its own, and counts what its commits hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog
from pyspark.sql import SparkSession

from autotag_core.config import Config
from autotag_core.errors import AutotagError
from autotag_core.tables import CATALOG, FAILURES, NEIGHBORS
from autotag_core.warehouse import append_run, current_release, read_table
from jobs.progress import Progress
from jobs.run import Run

FAILURE = "gif_id string, stage string, reason string, message string"


def new_run(spark: SparkSession, warehouse: str) -> Run:
    log: Any = structlog.get_logger()
    return Run(spark, Config(), warehouse, log, Progress(spark.sparkContext, is_terminal=False))


def test_a_run_replaces_the_rows_of_an_earlier_run_and_keeps_its_own(spark: SparkSession, tmp_path: Path) -> None:
    rows = [[(f"g{number}", "frames", "not_found", "gone")] for number in range(3)]
    first, second = new_run(spark, str(tmp_path)), new_run(spark, str(tmp_path))
    assert first.add_failures(spark.createDataFrame(rows[0], FAILURE)) == 1
    assert second.add_failures(spark.createDataFrame(rows[1], FAILURE)) == 1
    assert second.add_failures(spark.createDataFrame(rows[2], FAILURE)) == 1
    assert [row["gif_id"] for row in first.read(FAILURES).collect()] == ["g0"]
    assert sorted(row["gif_id"] for row in second.read(FAILURES).collect()) == ["g1", "g2"]


def test_no_rows_are_a_version_too(spark: SparkSession, tmp_path: Path) -> None:
    none_df = spark.createDataFrame([], FAILURE)
    for _ in range(2):
        run = new_run(spark, str(tmp_path))
        assert run.add_failures(none_df) == 0
        assert run.add_failures(none_df) == 0
        assert run.read(FAILURES).count() == 0


def test_wrong_columns_are_refused_before_anything_is_written(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(AutotagError, match=r"uri is missing.*popularity is string, it must be int64"):
        new_run(spark, str(tmp_path)).write(CATALOG, spark.createDataFrame([], "gif_id string, popularity string"))
    assert not list(tmp_path.iterdir())


def test_a_stage_that_fails_stops_its_progress_and_is_not_timed(spark: SparkSession, tmp_path: Path) -> None:
    run = new_run(spark, str(tmp_path))
    with pytest.raises(ValueError, match="broken"), run.stage("votes", 3):
        raise ValueError("broken")
    assert run.rows_in == {"votes": 3} and run.seconds == {}


def test_a_warehouse_below_any_folder_name_is_written_found_and_published(spark: SparkSession, tmp_path: Path) -> None:
    run = new_run(spark, f"{tmp_path}/gifs and ü'`\"/version=2")
    rows = [("a", "imagenet", ["b"], [0.5]), ("b", "semantic", [], [])]
    neighbors_df = spark.createDataFrame(
        rows, "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"
    )
    assert run.write(NEIGHBORS, neighbors_df) == 2
    staged_df, num_rows = run.stage_rows("some rows", neighbors_df.where("gif_id = 'a'"))
    assert (num_rows, staged_df.count()) == (1, 1)
    run.clean_up()
    assert not list(Path(run.warehouse).glob("_staging/*"))
    append_run(run.warehouse, run.record("published"))
    found = read_table(run.warehouse, "neighbors", current_release(run.warehouse))
    assert sorted(tuple(row.values()) for row in found.to_pylist()) == rows


def test_the_version_is_that_of_the_runs_own_commit_whoever_writes_in_between(
    spark: SparkSession, tmp_path: Path
) -> None:
    first, second = new_run(spark, str(tmp_path)), new_run(spark, str(tmp_path))
    for run, gif_id in ((first, "one"), (second, "two")):
        run.add_failures(spark.createDataFrame([(gif_id, "frames", "not_found", "gone")], FAILURE))
    assert (first.table_versions, second.table_versions) == ({"failures": 0}, {"failures": 1})
    assert [row["gif_id"] for row in first.read(FAILURES).collect()] == ["one"]
    with pytest.raises(AutotagError, match="another run has written failures meanwhile"):
        first.add_failures(spark.createDataFrame([], FAILURE))


def test_the_record_of_a_run_holds_its_settings_and_names_tables_only_when_published(spark: SparkSession) -> None:
    run = new_run(spark, "/nowhere")
    run.table_versions["catalog"] = 4
    published, failed = run.record("published"), run.record("failed", "why")
    assert (published.release_of, published.table_versions) == (run.run_id, {"catalog": 4})
    assert (failed.release_of, failed.table_versions, failed.message) == (None, {}, "why")
    assert Config.model_validate_json(published.config) == run.config
    assert published.started <= published.finished
