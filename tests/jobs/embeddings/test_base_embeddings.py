"""What a run takes over of the release that it stands on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import Config
from autotag_core.tables import EMBEDDINGS, NEIGHBORS
from autotag_core.warehouse import append_run, current_release
from jobs.embeddings.base_embeddings import adopt_embeddings, num_embedded, write_embeddings
from jobs.process.progress import Progress
from jobs.run.run import Run


def new_run(spark: SparkSession, warehouse: Path, *experts: Any) -> Run:
    log: Any = structlog.get_logger()
    run = Run(spark, Config(experts=experts), str(warehouse), log, Progress(spark.sparkContext, is_terminal=False))
    run.facts.inputs.versions |= {"imagenet": "m1", "text": "t1"}
    return run


def embeddings(spark: SparkSession, *rows: tuple[str, str, str]) -> DataFrame:
    """Rows (gif_id, expert, model_version)."""
    values = [(gif_id, expert, [1.0], model, "v") for gif_id, expert, model in rows]
    return spark.createDataFrame(values, from_arrow_schema(EMBEDDINGS.schema)).coalesce(1)


def written(run: Run) -> list[tuple[str, str, str]]:
    rows = run.tables.read(EMBEDDINGS).select("gif_id", "expert", "model_version").collect()
    return sorted((row[0], row[1], row[2]) for row in rows)


def test_experts_that_no_longer_vote_are_dropped_and_rows_of_the_same_gifs_and_models_kept(
    spark: SparkSession, tmp_path: Path
) -> None:
    first = new_run(spark, tmp_path, "imagenet", "semantic", "text")
    old = [("a", "imagenet", "m1"), ("b", "imagenet", "m1"), ("a", "semantic", "s1"), ("a", "text", "t1")]
    first.tables.write(EMBEDDINGS, embeddings(spark, *old))
    lists = [("a", "imagenet", ["b"], [0.5]), ("a", "semantic", [], [])]
    first.tables.write(NEIGHBORS, spark.createDataFrame(lists, from_arrow_schema(NEIGHBORS.schema)))
    append_run(first.warehouse, first.to_record("published"))

    run = new_run(spark, tmp_path, "imagenet", "text")
    run.tables.base = current_release(run.warehouse)
    adopt_embeddings(run)
    assert written(run) == sorted(row for row in old if row[1] != "semantic")
    assert [tuple(row)[:2] for row in run.tables.read(NEIGHBORS).collect()] == [("a", "imagenet")]

    run.facts.inputs.versions["text"] = "t2"  # another model: its rows are no longer true
    same_df = spark.createDataFrame([("a",)], "gif_id string")
    assert write_embeddings(run, embeddings(spark, ("c", "imagenet", "m1")), ["imagenet"], same_df) == 2
    assert write_embeddings(run, embeddings(spark, ("c", "text", "t2")), ["text"], same_df) == 1
    assert written(run) == [("a", "imagenet", "m1"), ("c", "imagenet", "m1"), ("c", "text", "t2")]
    assert num_embedded(run, "imagenet") == 2
