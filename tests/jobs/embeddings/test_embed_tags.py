"""Sessions of another catalog are refused before the night begins in earnest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import structlog
from pyspark.sql import SparkSession

from autotag_core.config import Config, SemanticConfig
from autotag_core.errors import InputError
from jobs.catalog.read_catalog import read_catalog
from jobs.embeddings.embed_tags import check_sessions
from jobs.process.progress import Progress
from jobs.run.run import Run


def check(spark: SparkSession, folder: Path, gif_ids: list[str], **settings: Any) -> None:
    (folder / "catalog.jsonl").write_text('{"gif_id": "a", "uri": "a.gif"}\n')
    (folder / "sessions.jsonl").write_text(json.dumps({"session_id": "s", "gif_ids": gif_ids}) + "\n")
    log: Any = structlog.get_logger()
    config = Config(semantic=SemanticConfig(sessions=f"{folder}/sessions.jsonl"), **settings)
    run = Run(spark, config, f"{folder}/warehouse", log, Progress(spark.sparkContext, is_terminal=False))
    read_catalog(run, f"{folder}/catalog.jsonl")
    check_sessions(run)


def test_sessions_that_name_no_gif_of_the_catalog_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sessions\.jsonl: not one gif_id of its sessions is in the catalog"):
        check(spark, tmp_path, ["x", "y"])


def test_sessions_that_name_one_or_none_at_all_or_that_nobody_asks_for_pass(
    spark: SparkSession, tmp_path: Path
) -> None:
    check(spark, tmp_path, ["x", "a"])
    check(spark, tmp_path, [])
    check(spark, tmp_path, ["x"], experts=["imagenet"])
