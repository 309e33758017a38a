"""The catalog stage: a file in, the tables catalog and failures out, every row counted."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from pyspark.sql import SparkSession

from autotag_core.config import CatalogConfig, Config
from autotag_core.errors import InputError
from autotag_core.review.decisions import Decision, as_table
from autotag_core.tables import CATALOG, DECIDED_TAGS, EDITORIAL_DECISIONS, FAILURES
from autotag_core.warehouse.own_tables import append_rows
from jobs.catalog.read_catalog import read_catalog
from jobs.process.progress import Progress
from jobs.run.run import Run


def new_run(spark: SparkSession, folder: Path, **settings: str) -> Run:
    log: Any = structlog.get_logger()
    config = Config(catalog=CatalogConfig(**settings))
    return Run(spark, config, str(folder / "warehouse"), log, Progress(spark.sparkContext, is_terminal=False))


def test_every_row_ends_in_one_table_and_lists_make_the_splits(spark: SparkSession, tmp_path: Path) -> None:
    rows = [
        {"gif_id": "a", "uri": "a.gif", "tags": ["cat"]},
        {"gif_id": "b", "uri": "b.gif", "editorial_tags": ["dog"]},
        {"gif_id": "c", "uri": "c.gif"},
        {"gif_id": "c", "uri": "d.gif"},
        {"gif_id": "e"},
    ]
    catalog = tmp_path / "catalog.jsonl"
    catalog.write_text("".join(json.dumps(row) + "\n" for row in rows) + "{cut\n")
    (tmp_path / "reviewed.txt").write_text("c\n")
    run = new_run(spark, tmp_path, test_list=str(tmp_path / "reviewed.txt"))
    read_catalog(run, str(catalog))
    gifs = run.tables.read(CATALOG).orderBy("gif_id").collect()
    assert [(row["gif_id"], row["uri"], row["split"]) for row in gifs] == [
        ("a", f"{tmp_path}/a.gif", "train"),
        ("b", f"{tmp_path}/b.gif", "validation"),
        ("c", f"{tmp_path}/c.gif", "test"),
    ]
    failures = run.tables.read(FAILURES).collect()
    assert sorted((str(row["gif_id"]), row["stage"], row["reason"]) for row in failures) == [
        ("None", "catalog", "unreadable_row"),
        ("c", "catalog", "duplicate_gif_id"),
        ("e", "catalog", "missing_uri"),
    ]
    assert (run.facts.rows_in["catalog"], run.facts.rows_out["catalog"]) == (6, 3)
    assert run.facts.inputs.notes["catalog"] == str(catalog)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("catalog.jsonl", b"", "not one usable row: it has no rows"),
        (
            "catalog.jsonl",
            b'{"gif_id": "a"}\n{"gif_id": "b"}\n{\n',
            'not one usable row: 2 x missing_uri, 1 x unreadable_row, such as `no uri in: {"gif_id": "a"}`',
        ),
        ("catalog.csv", b"gif_id,uri\n", "not one usable row: it has no rows"),
        ("catalog.jsonl.gz", gzip.compress(b"x" * 10_000, mtime=0)[:20], "cannot be read: "),
        ("catalog.jsonl.gz", b"plain text, not gzip", "cannot be read: zlib inflate failed"),
        ("catalog.parquet", b"PAR1", "cannot be read: "),
    ],
)
def test_a_catalog_without_one_usable_row_is_refused_before_anything_is_written(
    name: str, content: bytes, said: str, spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_catalog(new_run(spark, tmp_path), str(tmp_path / name))
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "warehouse").exists()


def test_a_list_of_ids_that_can_not_be_read_is_named(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "catalog.jsonl").write_text('{"gif_id": "a", "uri": "a.gif"}\n')
    (tmp_path / "reviewed.txt.gz").write_bytes(b"plain text, not gzip")
    run = new_run(spark, tmp_path, test_list=str(tmp_path / "reviewed.txt.gz"))
    with pytest.raises(InputError, match=r"reviewed\.txt\.gz: cannot be read: zlib inflate failed"):
        read_catalog(run, str(tmp_path / "catalog.jsonl"))
    assert not (tmp_path / "warehouse").exists()


def test_a_warehouse_that_can_not_be_written_is_not_the_catalogs_fault(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "catalog.jsonl").write_text('{"gif_id": "a", "uri": "a.gif"}\n')
    (tmp_path / "warehouse").write_text("a file")
    with pytest.raises(Exception, match="warehouse") as caught:
        read_catalog(new_run(spark, tmp_path), str(tmp_path / "catalog.jsonl"))
    assert not isinstance(caught.value, InputError)


def test_a_list_that_names_no_gif_is_refused_and_one_that_names_few_is_noted(
    spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "catalog.jsonl").write_text('{"gif_id": "a", "uri": "a.gif"}\n{"gif_id": "b", "uri": "b.gif"}\n')
    (tmp_path / "none.txt").write_text("x\ny\n")
    (tmp_path / "few.txt").write_text("x\nb\ny\n")
    (tmp_path / "empty.txt").write_text("\n")
    with pytest.raises(InputError, match=r"none\.txt: not one of its 2 gif_ids, such as x, is in the catalog"):
        read_catalog(new_run(spark, tmp_path, test_list=f"{tmp_path}/none.txt"), f"{tmp_path}/catalog.jsonl")
    lists = {"validation_list": f"{tmp_path}/few.txt", "test_list": f"{tmp_path}/empty.txt"}
    run = new_run(spark, tmp_path, **lists)
    with structlog.testing.capture_logs() as logs:
        read_catalog(run, f"{tmp_path}/catalog.jsonl")
    assert run.facts.inputs.notes["validation_list"] == "1 of 3 gif_ids are in the catalog"
    assert [log["event"] for log in logs if log["log_level"] == "warning"] == [
        "a list names few GIFs of the catalog"
    ] * 2


def test_what_editors_decided_is_in_the_rows_and_a_night_sees_when_it_changed(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows = [
        {"gif_id": "a", "uri": "a.gif", "tags": ["cat", "old"]},
        {"gif_id": "b", "uri": "b.gif", "tags": ["dog"], "editorial_tags": ["dog"]},
    ]
    (tmp_path / "catalog.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    when = datetime(2026, 11, 30, tzinfo=UTC)
    words = [("a", "old", "refused"), ("a", "new", "accepted"), ("b", "dog", "refused")]
    said = [Decision(*word, "ann", when, number=number) for number, word in enumerate(words, 1)]
    append_rows(str(tmp_path / "warehouse"), EDITORIAL_DECISIONS, as_table(said))
    run = new_run(spark, tmp_path)
    read_catalog(run, f"{tmp_path}/catalog.jsonl")
    gifs = run.tables.read(CATALOG).orderBy("gif_id").collect()
    assert [(row["gif_id"], row["tags"], row["editorial_tags"], row["split"]) for row in gifs] == [
        ("a", ["cat"], ["new"], "train"),
        ("b", ["dog"], ["dog"], "validation"),
    ]
    assert [tuple(row) for row in run.tables.read(DECIDED_TAGS).collect()] == [("a", ["new"], ["old"], ["old"])]
    assert run.facts.inputs.notes["decisions"] == "3 were applied, they hold for 1 train GIFs of the catalog"
