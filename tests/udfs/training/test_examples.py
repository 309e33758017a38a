"""Who becomes a training example, with which labels, and who leaves where: literal catalogs in, literal rows out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from autotag_core.config import Config, FramesConfig, TrainingConfig
from autotag_core.drawing.encoding import gif_bytes
from autotag_core.drawing.factors import recipe_of
from autotag_core.frames import load_frames
from autotag_core.tables import CATALOG, FAILURES, MEDIA, TRAINING_EXAMPLES, TRAINING_LABELS, Table, check_columns
from autotag_core.training.pictures import decode_frames
from udfs.training import examples as training

VOTES = "gif_id string, tag string, confidence float, source string"
GROUPS = "gif_id string, group_id string, group_size bigint"
Make = Callable[[Table, Sequence[dict[str, Any]]], DataFrame]


@pytest.fixture
def make(spark: SparkSession) -> Make:
    def rows(table: Table, given: Sequence[dict[str, Any]]) -> DataFrame:
        values = [tuple(row.get(name) for name in table.schema.names) for row in given]
        return spark.createDataFrame(values, from_arrow_schema(table.schema))

    return rows


def gif(gif_id: str, split: str = "train", **changes: Any) -> dict[str, Any]:
    """A row of catalog and media at once."""
    row: dict[str, Any] = {"gif_id": gif_id, "uri": f"/{gif_id}.gif", "split": split, "tags": ["a"]}
    row |= {"editorial_tags": [], "version": f"v-{gif_id}", "num_frames": 5, "duration_ms": 500, "text": None}
    return row | changes


def test_each_gif_is_an_example_or_leaves_at_the_first_step_that_applies(spark: SparkSession, make: Make) -> None:
    gifs = [
        gif("1-good", text="hi"),
        gif("2-untagged-before", tags=[]),
        gif("3-unread"),
        gif("4-too-long-to-read"),
        gif("5-still", num_frames=1, duration_ms=0),
        gif("6-short", duration_ms=99),
        gif("7-long", duration_ms=5001),
        gif("8-nothing-said", tags=[]),
        gif("9-val", "validation", tags=["a", "b"], editorial_tags=["b"]),
        gif("a-val-without-editor", "validation"),
        gif("b-test", "test", tags=["a", "b"], editorial_tags=["b"]),
        gif("c-test-original", "test"),
        gif("d-copy-of-val", version="v-9-val"),
        gif("e-val-copy-of-test", "validation", version="v-b-test"),
        gif("f-near-test"),
        gif("g-near-train"),
        gif("h-copy-of-what-left", version="v-a-val-without-editor"),
    ]
    unread = {"3-unread": "not_found", "4-too-long-to-read": "too_many_frames"}
    votes = [(row["gif_id"], tag, 0.5, "original") for row in gifs for tag in row["tags"]]
    votes += [(row["gif_id"], tag, 1.0, "editorial") for row in gifs for tag in row["editorial_tags"]]
    votes = [vote for vote in votes if (vote[1], vote[3]) != ("b", "original")]  # a tag of both is editorial
    votes += [("2-untagged-before", "c", 0.25, "voted"), ("8-nothing-said", "c", 0.0, "proposed")]
    votes += [("e-val-copy-of-test", "b", 1.0, "editorial")]
    failures = [{"gif_id": name, "stage": "frames", "reason": reason} for name, reason in unread.items()]
    failures += [{"gif_id": "1-good", "stage": "catalog", "reason": "duplicate_gif_id"}]
    groups = [("f-near-test", "b-test", 2), ("b-test", "b-test", 2), ("g-near-train", "1-good", 2)]
    voted_df = spark.createDataFrame(votes, VOTES)
    sources = training.Sources(
        make(CATALOG, gifs),
        make(MEDIA, [row for row in gifs if row["gif_id"] not in unread]),
        make(FAILURES, failures),
        voted_df,
        spark.createDataFrame([*groups, ("1-good", "1-good", 2)], GROUPS),
    )
    config = TrainingConfig(min_frames=2, min_duration_ms=100, max_duration_ms=5000)
    judged_df = training.judge_gifs(sources, training.number_labels(voted_df), config)
    found = {row["gif_id"]: row for row in judged_df.collect()}
    assert {name: (row["left_at"], row["reason"]) for name, row in sorted(found.items())} == {
        "1-good": (None, None),
        "2-untagged-before": (None, None),
        "3-unread": ("frames", "not_found"),
        "4-too-long-to-read": ("length", "too_many_frames"),
        "5-still": ("length", "too_few_frames"),
        "6-short": ("length", "too_short"),
        "7-long": ("length", "too_long"),
        "8-nothing-said": ("label", "no_label"),
        "9-val": (None, None),
        "a-val-without-editor": ("label", "no_label"),
        "b-test": (None, None),
        "c-test-original": (None, None),
        "d-copy-of-val": ("leak", "same_bytes"),
        "e-val-copy-of-test": ("leak", "same_bytes"),
        "f-near-test": ("leak", "near_duplicate"),
        "g-near-train": (None, None),
        "h-copy-of-what-left": (None, None),
    }
    a, b, c = range(3)
    labels = {name: (row["label_ids"], row["confidences"]) for name, row in found.items() if row["left_at"] is None}
    assert labels == {
        "1-good": ([a], [0.5]),
        "2-untagged-before": ([c], [0.25]),
        "9-val": ([b], [1.0]),
        "b-test": ([b], [1.0]),
        "c-test-original": ([a], [0.5]),
        "g-near-train": ([a], [0.5]),
        "h-copy-of-what-left": ([a], [0.5]),
    }
    assert [name for name, row in found.items() if row["has_text"]] == ["1-good"]
    assert not found["2-untagged-before"]["had_label"] and found["1-good"]["had_label"]


def test_who_uploaded_to_two_splits_is_counted_and_leaves_only_where_that_is_asked(
    spark: SparkSession, make: Make
) -> None:
    gifs = [
        gif("1-of-kim", uploader="kim"),
        gif("2-of-lee", uploader="lee"),
        gif("3-of-nobody"),
        gif("4-of-nobody", "test"),
        gif("5-of-kim", "test", uploader="kim"),
        gif("6-unread-of-lee", "test", uploader="lee"),
    ]
    voted_df = spark.createDataFrame([(row["gif_id"], "a", 1.0, "original") for row in gifs], VOTES)
    sources = training.Sources(make(CATALOG, gifs), make(MEDIA, gifs[:5]), make(FAILURES, []), voted_df, None)
    labels_df = training.number_labels(voted_df)
    for config, left in ((TrainingConfig(), None), (TrainingConfig(separate_uploaders=True), "same_uploader")):
        found = {row["gif_id"]: row for row in training.judge_gifs(sources, labels_df, config).collect()}
        assert {name[0]: row["shares_uploader"] for name, row in sorted(found.items())} == {
            "1": True,
            "2": False,
            "3": None,
            "4": None,
            "5": False,
            "6": None,
        }
        assert (found["1-of-kim"]["reason"], found["2-of-lee"]["reason"]) == (left, None)


def judged(spark: SparkSession, rows: Sequence[tuple[Any, ...]]) -> DataFrame:
    """Rows (gif_id, split, label_ids, rarest, uri, version) as judge_gifs gives them, all examples."""
    names = ("gif_id", "split", "label_ids", "rarest", "uri", "version")
    kinds = "gif_id string, split string, label_ids array<int>, rarest bigint, uri string, version string"
    given_df = spark.createDataFrame([dict(zip(names, row, strict=True)) for row in rows], kinds)
    return given_df.selectExpr(
        "*",
        "transform(label_ids, x -> cast(1 as float)) as confidences",
        "false as has_text",
        "5 as num_frames",
        "cast(500 as bigint) as duration_ms",
        "cast(null as string) as left_at",
        "cast(null as string) as reason",
        "cast(null as boolean) as shares_uploader",
        "true as had_label",
    )


def test_files_hold_splits_apart_and_rare_gifs_before_common_ones(spark: SparkSession) -> None:
    rows = [(f"g{n}", "train" if n % 3 else "test", [0], [900, 5, 70][n % 3 - 1], "u", "v") for n in range(30)]
    examples_df = training.example_rows(judged(spark, rows), Config(), 1)
    check_columns(TRAINING_EXAMPLES, to_arrow_schema(examples_df.schema))
    assert examples_df.rdd.getNumPartitions() == 1
    found = [row["gif_id"] for row in examples_df.collect()]
    kinds = [int(name[1:]) % 3 for name in found]
    assert kinds == [0] * 10 + [2] * 10 + [1] * 10  # test, then train: labels of 5 GIFs, then of 900
    assert found[:10] != sorted(found[:10], key=lambda name: int(name[1:])), "within, in the order of a hash"
    assert {row["frames"] for row in examples_df.collect()} == {None}


def test_stored_frames_are_those_of_the_file_that_was_tagged_and_others_are_left_out(
    spark: SparkSession, tmp_path: Path
) -> None:
    config = Config(frames=FramesConfig(size=64), training=TrainingConfig(frames="jpeg", quality=95))
    for number in range(3):
        (tmp_path / f"{number}.gif").write_bytes(gif_bytes(recipe_of(3, number)))
    gifs = [load_frames(str(tmp_path / f"{number}.gif"), config.frames) for number in range(3)]
    rows = [
        ("same", "train", [0], 1, str(tmp_path / "0.gif"), gifs[0].media.version),
        ("changed", "train", [0], 1, str(tmp_path / "1.gif"), gifs[2].media.version),
        ("gone", "train", [0], 1, str(tmp_path / "no.gif"), "v"),
    ]
    judged_df = judged(spark, rows)
    stored_df = training.example_rows(judged_df, config, 2)
    stored = stored_df.collect()
    assert [row["gif_id"] for row in stored] == ["same"]
    frames = decode_frames([bytes(file) for file in stored[0]["frames"]])
    assert frames.shape == gifs[0].frames.shape
    assert (frames.int() - gifs[0].frames.int()).abs().float().mean() < 3
    counts = training.count_outcomes(training.with_lost(judged_df, spark.createDataFrame(stored, stored_df.schema)))
    assert {tuple(row) for row in counts.collect()} == {
        ("train", None, None, True, 1, None),
        ("train", "example", "not_read_again", True, 2, None),
    }


def test_labels_are_numbered_in_their_order_and_counted_over_the_examples(spark: SparkSession) -> None:
    votes = [("g1", "dog", 1.0, "voted"), ("g1", "cat", 1.0, "voted"), ("g2", "cat", 1.0, "original")]
    voted_df = spark.createDataFrame([*votes, ("g2", "ant", 0.0, "proposed"), ("g3", "eel", 1.0, "voted")], VOTES)
    labels_df = training.number_labels(voted_df)
    assert [tuple(row) for row in labels_df.orderBy("label_id").collect()] == [
        (0, "cat", 2),
        (1, "dog", 1),
        (2, "eel", 1),
    ]
    gifs = [("train", [0, 1], None), ("test", [0], None), ("train", [0, 2], "leak")]
    gifs_df = spark.createDataFrame(gifs, "split string, label_ids array<int>, left_at string")
    rows_df = training.label_rows(labels_df, gifs_df)
    check_columns(TRAINING_LABELS, to_arrow_schema(rows_df.schema))
    assert sorted(tuple(row) for row in rows_df.collect()) == [(0, "cat", 1, 1), (1, "dog", 1, 0)]


def test_the_schema_of_stored_frames_is_the_table_s() -> None:
    batch = pa.RecordBatch.from_pylist([], schema=pa.schema([(f.name, f.type) for f in TRAINING_EXAMPLES.schema]))
    config = Config(training=TrainingConfig(frames="webp"))
    assert list(training.store_frames([batch], config)) == []
