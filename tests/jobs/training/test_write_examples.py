"""The stage through the tables: three commits, a funnel that adds up, leaks in the run's record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import structlog
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import Config, TrainingConfig
from autotag_core.drawing.encoding import gif_bytes
from autotag_core.drawing.factors import recipe_of
from autotag_core.tables import (
    CATALOG,
    DUPLICATES,
    FAILURES,
    MEDIA,
    TRAINING_EXAMPLES,
    TRAINING_FUNNEL,
    TRAINING_LABELS,
    VOTED_TAGS,
    Table,
)
from jobs.process.progress import Progress
from jobs.run.run import Run
from jobs.training.write_examples import write_examples


def put(run: Run, table: Table, rows: list[dict[str, Any]]) -> None:
    values = [tuple(row.get(name) for name in table.schema.names) for row in rows]
    run.tables.write(table, run.spark.createDataFrame(values, from_arrow_schema(table.schema)))


def test_examples_labels_and_funnel_are_tables_of_the_run(spark: SparkSession, tmp_path: Path) -> None:
    log: Any = structlog.get_logger()
    config = Config(training=TrainingConfig(frames="jpeg"))
    run = Run(spark, config, str(tmp_path / "warehouse"), log, Progress(spark.sparkContext, is_terminal=False))
    from autotag_core.frames import load_frames

    rows: list[dict[str, Any]] = []
    for number, split in enumerate(["train", "train", "train", "validation", "test"]):
        uri = str(tmp_path / f"{number}.gif")
        Path(uri).write_bytes(gif_bytes(recipe_of(3, 3 if number == 2 else number)))
        media = load_frames(uri, config.frames).media
        row = {"gif_id": f"g{number}", "uri": uri, "split": split, "tags": ["cat"], "editorial_tags": []}
        rows.append(row | {"version": media.version, "num_frames": media.num_frames, "duration_ms": 500})
    rows[1]["tags"] = []
    rows[1]["uploader"] = rows[2]["uploader"] = rows[4]["uploader"] = "kim"
    put(run, CATALOG, rows)
    put(run, MEDIA, rows)
    put(run, FAILURES, [])
    put(run, DUPLICATES, [])
    votes = [("g0", "cat", "confirmed"), ("g1", "dog", "voted"), ("g2", "cat", "confirmed"), ("g3", "cat", "editorial")]
    votes += [("g4", "cat", "original")]
    put(run, VOTED_TAGS, [{"gif_id": g, "tag": t, "confidence": 1.0, "source": s} for g, t, s in votes])
    Path(rows[0]["uri"]).unlink()
    run.facts.rows_out["catalog"] = 5

    write_examples(run)

    found = run.tables.read(TRAINING_EXAMPLES).orderBy("gif_id").collect()
    assert [(row["gif_id"], row["split"], row["label_ids"]) for row in found] == [
        ("g1", "train", [1]),
        ("g3", "validation", [0]),
        ("g4", "test", [0]),
    ]
    assert all(len(row["frames"]) > 1 for row in found)
    assert [tuple(row) for row in run.tables.read(TRAINING_LABELS).orderBy("label_id").collect()] == [
        (0, "cat", 0, 2),
        (1, "dog", 1, 0),
    ]
    funnel = run.tables.read(TRAINING_FUNNEL).where("split = 'train'").orderBy("position").collect()
    assert [(row["step"], row["num_gifs"], row["num_left_by_reason"]) for row in funnel] == [
        ("catalog", 3, {}),
        ("frames", 3, {}),
        ("length", 3, {}),
        ("label_before_voting", 2, {}),
        ("label", 3, {}),
        ("leak", 2, {"same_bytes": 1}),
        ("example", 1, {"not_read_again": 1}),
    ]
    assert run.facts.gates == {
        "training_leaks": "left out: 1 train GIFs by same_bytes, "
        "1 examples by uploaders with GIFs in a more protected split"
    }
    assert (run.facts.rows_in["examples"], run.facts.rows_out["examples"]) == (5, 3)


def test_row_groups_are_small_enough_to_be_read_for_a_few_gifs(spark: SparkSession, tmp_path: Path) -> None:
    log: Any = structlog.get_logger()
    run = Run(spark, Config(), str(tmp_path), log, Progress(spark.sparkContext, is_terminal=False))
    rows_df = spark.range(0, 400, 1, 1).selectExpr(
        "cast(id as string) as gif_id", "'train' as split", "'u' as uri", "'v' as version",
        "array(1) as label_ids", "array(cast(1 as float)) as confidences", "false as has_text", "5 as num_frames",
        "id as duration_ms", "transform(sequence(1, 4), i -> cast(concat_ws('', transform(sequence(1, 300), "
        "j -> hex(hash(id, i, j)))) as binary)) as frames",
    )  # fmt: skip
    run.tables.write(TRAINING_EXAMPLES, rows_df, row_group_bytes=128 * 1024)
    files = list((tmp_path / "training_examples").glob("*.parquet"))
    sizes = [pq.ParquetFile(files[0]).metadata.row_group(at).num_rows for at in range(4)]
    assert len(files) == 1
    assert all(8 <= size <= 40 for size in sizes), sizes
