"""From neighbors and media to the table of duplicates, through the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import structlog
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import Config
from autotag_core.tables import DUPLICATES, MEDIA, NEIGHBORS
from jobs.duplicates.group_duplicates import group_duplicates
from jobs.process.progress import Progress
from jobs.run.run import Run


def test_copies_in_neighbors_and_media_become_groups_and_leave_nothing_staged(
    spark: SparkSession, tmp_path: Path
) -> None:
    log: Any = structlog.get_logger()
    run = Run(spark, Config(), str(tmp_path), log, Progress(spark.sparkContext, is_terminal=False))
    looks: dict[str, tuple[str, int]] = {
        "a": ("v1", 0),
        "b": ("v2", 0),
        "c": ("v3", 0),
        "d": ("v3", 0),
        "e": ("v4", -1),
    }
    media = [
        {"gif_id": gif_id, "version": version, "frame_hashes": [number], "frame_colors": bytes(12)}
        for gif_id, (version, number) in looks.items()
    ]
    rows = [tuple(row.get(name) for name in MEDIA.schema.names) for row in media]
    run.tables.write(MEDIA, spark.createDataFrame(rows, from_arrow_schema(MEDIA.schema)))
    lists = [("b", "imagenet", ["a", "e"], [0.01, 0.02]), ("d", "imagenet", ["b"], [0.03])]
    run.tables.write(NEIGHBORS, spark.createDataFrame(lists, from_arrow_schema(NEIGHBORS.schema)))
    group_duplicates(run)
    run.staging.clean_up()
    assert [tuple(row) for row in run.tables.read(DUPLICATES).orderBy("gif_id").collect()] == [
        ("a", "a", 4),
        ("b", "a", 4),
        ("c", "a", 4),
        ("d", "a", 4),
    ]
    assert (run.facts.rows_in["duplicates"], run.facts.rows_out["duplicates"]) == (5, 4)
    assert not (tmp_path / "_staging" / run.run_id).exists()
