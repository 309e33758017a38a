"""Editors' decisions in the vote: literal rows in and out."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import SparkSession

from autotag_core.tables import VOTED_TAGS
from jobs.run.delta_tables import spark_schema
from udfs.votes.decided import decided_pairs, with_refused, withhold_refused

DECIDED = "gif_id string, accepted array<string>, refused array<string>, given array<string>"


def voted(gif_id: str, tag: str, source: str) -> tuple[Any, ...]:
    return gif_id, tag, 0.6, source, 0.6, 0.5, 0.5, True, {"imagenet": 2}, ["n"], {"neighbors": 1.5}


def test_a_refused_tag_is_withheld_and_has_a_row_whether_anybody_voted_for_it_or_not(spark: SparkSession) -> None:
    rows = [voted("a", "dog", "voted"), voted("a", "cat", "confirmed"), voted("b", "dog", "voted")]
    voted_df = spark.createDataFrame(rows, spark_schema(VOTED_TAGS))
    decided_df = spark.createDataFrame([("a", ["cat"], ["dog", "old"], ["old"])], DECIDED)
    found_df = withhold_refused(voted_df, decided_df)
    assert found_df.columns == voted_df.columns
    found = {(row["gif_id"], row["tag"]): row for row in found_df.collect()}
    before = {(row["gif_id"], row["tag"]): row for row in voted_df.collect()}
    assert len(found) == 4 and all(found[key] == before[key] for key in (("a", "cat"), ("b", "dog")))
    dog, old = found["a", "dog"], found["a", "old"]
    assert (dog["source"], dog["confidence"], dog["score"], dog["probability"], dog["accepted"]) == (
        "refused", 0.0, 0.0, 0.0, False,
    )  # fmt: skip
    assert (dog["votes"], dog["evidence"], dog["published_score"]) == ({"imagenet": 2}, ["n"], pytest.approx(0.6))
    assert tuple(old)[2:] == (0.0, "refused", 0.0, 0.0, 0.0, None, {}, [], None)


def test_decided_pairs_are_own_where_the_uploader_gave_them_and_no_gif_vouches_for_itself(
    spark: SparkSession,
) -> None:
    columns = "gif_id string, tag string, is_own boolean, is_copied boolean, prior double"
    rows = [
        ("a", "cat", True, False, 0.5),
        ("a", "old", False, True, 0.2),
        ("a", "new", False, False, 0.3),
        ("a", "far", False, False, 0.1),
        ("a", "asked never", False, False, 0.9),
        ("b", "cat", False, True, 0.9),
    ]
    decided_df = spark.createDataFrame([("a", ["cat", "new"], ["old", "far"], ["cat", "old"])], DECIDED)
    found_df = decided_pairs(spark.createDataFrame(rows, columns), decided_df, num_train=11)
    assert found_df.columns == ["gif_id", "tag", "is_own", "is_copied", "prior", "lacks", "is_right", "is_decided"]
    assert sorted(tuple(row)[1:] for row in found_df.collect()) == [
        ("cat", True, False, 0.5, False, True, True),
        ("far", False, False, 0.1, False, False, True),
        ("new", False, False, pytest.approx(0.2), False, True, True),
        ("old", True, False, 0.2, False, False, True),
    ]


def test_refused_tags_that_the_uploader_gave_are_heard_like_tags_of_copies(spark: SparkSession) -> None:
    decided_df = spark.createDataFrame([("a", ["cat"], ["old", "new"], ["cat", "old"])], DECIDED)
    copied_df = spark.createDataFrame([("b", "dog")], "gif_id string, tag string")
    assert [tuple(row) for row in with_refused(None, decided_df).collect()] == [("a", "old")]
    assert sorted(tuple(row) for row in with_refused(copied_df, decided_df).collect()) == [("a", "old"), ("b", "dog")]
