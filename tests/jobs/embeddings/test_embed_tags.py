"""Sessions of another catalog are refused before the night begins in earnest."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from pyspark.sql import SparkSession

from autotag_core import storage
from autotag_core.config import Config, SemanticConfig
from autotag_core.errors import InputError
from autotag_core.tables import CATALOG
from autotag_core.warehouse import RunInputs, RunRecord
from jobs.catalog.read_catalog import read_catalog
from jobs.embeddings.embed_tags import check_sessions
from jobs.process.progress import Progress
from jobs.run.run import Run

START = datetime(2026, 11, 22, tzinfo=UTC)


def check(spark: SparkSession, folder: Path, gif_ids: list[str], **settings: Any) -> Run:
    (folder / "catalog.jsonl").write_text('{"gif_id": "a", "uri": "a.gif"}\n')
    write_sessions(folder, gif_ids)
    log: Any = structlog.get_logger()
    config = Config(semantic=SemanticConfig(sessions=f"{folder}/sessions.jsonl"), **settings)
    run = Run(spark, config, f"{folder}/warehouse", log, Progress(spark.sparkContext, is_terminal=False))
    read_catalog(run, f"{folder}/catalog.jsonl")
    check_sessions(run)
    return run


def write_sessions(folder: Path, gif_ids: list[str]) -> None:
    (folder / "sessions.jsonl").write_text(json.dumps({"session_id": "s", "gif_ids": gif_ids}) + "\n")


def test_sessions_that_name_no_gif_of_the_catalog_are_refused(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sessions\.jsonl: not one gif_id of its sessions is in the catalog"):
        check(spark, tmp_path, ["x", "y"])


def test_sessions_that_name_one_or_none_at_all_or_that_nobody_asks_for_pass(
    spark: SparkSession, tmp_path: Path
) -> None:
    check(spark, tmp_path, ["x", "a"])
    check(spark, tmp_path, [])
    check(spark, tmp_path, ["x"], experts=["imagenet"])


def test_sessions_and_catalog_of_the_base_are_not_read_again(spark: SparkSession, tmp_path: Path) -> None:
    run = check(spark, tmp_path, ["a"])
    uri = f"{tmp_path}/sessions.jsonl"
    run.facts.inputs.stamps["sessions"] = storage.stamp(uri)
    inputs = RunInputs(versions={"semantic": "v"}, stamps=dict(run.facts.inputs.stamps))
    versions = dict(run.tables.versions)
    run.tables.base = RunRecord("r1", START, START, "published", table_versions=versions, inputs=inputs)
    write_sessions(tmp_path, ["x"])
    check_sessions(run)
    run.facts.inputs.stamps["sessions"] = storage.stamp(uri)
    with pytest.raises(InputError, match="not one gif_id of its sessions"):
        check_sessions(run)
    run.facts.inputs.stamps |= inputs.stamps
    run.tables.write(CATALOG, run.tables.read_base(CATALOG).limit(0))
    with pytest.raises(InputError, match="not one gif_id of its sessions"):
        check_sessions(run)
