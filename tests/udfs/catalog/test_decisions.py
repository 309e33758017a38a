"""Editors' words on the GIFs of a catalog: literal rows in and out."""

from __future__ import annotations

from pyspark.sql import SparkSession

from udfs.catalog.decisions import decided_tags, with_decisions

GIFS = "gif_id string, tags array<string>, editorial_tags array<string>, caption string, split string"
WORDS = "gif_id string, accepted array<string>, refused array<string>"


def test_accepted_tags_are_editorial_refused_ones_go_and_the_split_stays(spark: SparkSession) -> None:
    gifs = [
        ("a", ["cat", "old", "red"], [], "x", "train"),
        ("b", ["dog"], ["dog", "big"], None, "train"),
        ("c", ["cat"], [], None, "train"),
        ("v", ["cat", "old"], ["cat"], None, "validation"),
    ]
    words = [
        ("a", ["cat", "new"], ["old", "absent"]),
        ("b", [], ["big"]),
        ("v", ["new"], ["cat"]),
        ("gone", ["new"], []),
    ]
    gifs_df = spark.createDataFrame(gifs, GIFS)
    decided_df = decided_tags(spark.createDataFrame(words, WORDS), gifs_df)
    assert [tuple(row) for row in decided_df.orderBy("gif_id").collect()] == [
        ("a", ["cat", "new"], ["old", "absent"], ["cat", "old"]),
        ("b", [], ["big"], []),
    ]
    found_df = with_decisions(gifs_df, decided_df)
    assert found_df.columns == gifs_df.columns
    assert [tuple(row) for row in found_df.orderBy("gif_id").collect()] == [
        ("a", ["cat", "red"], ["cat", "new"], "x", "train"),
        ("b", ["dog"], ["dog"], None, "train"),
        ("c", ["cat"], [], None, "train"),
        ("v", ["cat", "old"], ["cat"], None, "validation"),
    ]
