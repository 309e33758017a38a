"""petastorm, in its own environment, reads the examples of a release as the product's own readers do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import structlog
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config import Config
from autotag_core.tables import TRAINING_EXAMPLES
from jobs.process.progress import Progress
from jobs.run.run import Run

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
SCHEMA = (
    "gif_id string, split string, uri string, version string, label_ids array<int>, confidences array<float>, "
    "has_text boolean, num_frames int, duration_ms bigint, frames array<binary>"
)
PUBLISHED = [
    ("a", "train", "a.gif", "v1", [0, 3], [0.1, 1.0], False, 2, 200, [b"one", b"and two"]),
    ("b", "train", "b.gif", "v2", [2], [0.7], True, 3, 300, [b"", b"x", b"yz"]),
    ("c", "test", "ü c.gif", "v3", [1, 2, 3], [0.25, 0.5, 0.75], True, 1, 100, None),
]
LATER = [("z", "train", "z.gif", "v9", [0], [1.0], False, 1, 100, [b"later"])]


def read_by_petastorm(python: str, table_uri: str, version: int) -> list[dict[str, Any]]:
    """The rows as docs/read_with_petastorm.py prints them, by gif_id."""
    command = [python, "docs/read_with_petastorm.py", table_uri, str(version)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return sorted(map(json.loads, done.stdout.splitlines()), key=lambda row: str(row["gif_id"]))


def read_by_autotag(uri: str, release: warehouse.RunRecord) -> list[dict[str, Any]]:
    columns = ["gif_id", "split", "uri", "version", "label_ids", "confidences", "frames"]
    rows = warehouse.read_table(uri, "training_examples", release, columns).sort_by("gif_id").to_pylist()
    return [row | {"frames": [sha256(file).hexdigest() for file in row["frames"] or ()]} for row in rows]


@pytest.mark.parametrize("place", ["local", "s3"])
def test_it_reads_the_rows_of_the_release_and_no_others(
    place: str, spark: SparkSession, tmp_path: Path, bucket: str, petastorm: str
) -> None:
    uri = f"{tmp_path}/gifs and ü/version=2" if place == "local" else f"{bucket}/gifs and ü/version=2"
    for rows, is_published in ((PUBLISHED, True), (LATER, False)):
        run = Run(spark, Config(), uri, structlog.get_logger(), Progress(spark.sparkContext, is_terminal=False))
        run.started = datetime.now(UTC)
        run.tables.write(TRAINING_EXAMPLES, spark.createDataFrame(rows, SCHEMA).repartition(2))
        if is_published:
            warehouse.append_run(uri, run.to_record(warehouse.PUBLISHED))
    release = warehouse.current_release(uri)
    found = read_by_petastorm(petastorm, f"{uri}/training_examples", release.table_versions["training_examples"])
    assert found == read_by_autotag(uri, release)
    assert [(row["gif_id"], row["label_ids"], len(row["frames"])) for row in found] == [
        ("a", [0, 3], 2),
        ("b", [2], 3),
        ("c", [1, 2, 3], 0),
    ]


def test_it_reads_the_examples_of_a_night_on_s3(night: Any, petastorm: str) -> None:
    release = warehouse.current_release(night.request.warehouse, night.run.run_id)
    version = release.table_versions["training_examples"]
    found = read_by_petastorm(petastorm, f"{night.request.warehouse}/training_examples", version)
    assert found == read_by_autotag(night.request.warehouse, release)
    assert len(found) > 20


def test_it_unpickles_dataset_metadata_that_the_loader_refuses(
    tmp_path: Path, petastorm: str, pickle_trap: Callable[[str], Path]
) -> None:
    sprung = pickle_trap(str(tmp_path))
    script = f"""
from petastorm.etl.dataset_metadata import get_schema_from_dataset_url
get_schema_from_dataset_url({tmp_path.as_uri()!r}).fields
"""
    done = subprocess.run([petastorm, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False)
    assert "AttributeError: 'NoneType' object has no attribute 'fields'" in done.stderr
    assert sprung.exists(), "what the loader refuses is worth refusing"
