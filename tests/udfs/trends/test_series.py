"""Counts become series: spellings of a query are one, and a tag has the events of its GIFs."""

from __future__ import annotations

from pyspark.sql import SparkSession

from udfs.trends.series import count_items, make_series, total_by_hour

COUNTS = "kind string, item string, hour bigint, num bigint"
TAGS = "gif_id string, tag string, source string, probability float"


def test_spellings_of_a_query_are_one_item_and_what_is_no_word_is_none(spark: SparkSession) -> None:
    rows = [("query", "Happy Birthday!", 5, 2), ("query", "#HappyBirthday", 5, 1), ("query", "happy birthday", 6, 1)]
    items_df = count_items(spark.createDataFrame([*rows, ("query", "...", 5, 9), ("gif", "#A", 5, 4)], COUNTS), None)
    assert sorted(map(tuple, items_df.collect())) == [
        ("gif", "#A", 5, 4),
        ("query", "happy birthday", 5, 3),
        ("query", "happy birthday", 6, 1),
    ]


def test_a_tag_has_the_events_of_all_gifs_that_have_it(spark: SparkSession) -> None:
    counts_df = spark.createDataFrame([("gif", "a", 5, 2), ("gif", "b", 5, 3), ("gif", "b", 6, 1)], COUNTS)
    tags = [
        ("a", "Cat", "confirmed", 0.9),
        ("a", "cat", "voted", 0.8),  # the same as labels write it: counted once
        ("a", "dog", "unconfirmed", 0.1),
        ("b", "cat", "unconfirmed", 0.6),
        ("b", "owl", "editorial", 0.1),
        ("b", "new", "proposed", None),
        ("b", "old", "original", None),
        ("unseen", "cat", "voted", 0.9),
    ]
    items_df = count_items(counts_df, spark.createDataFrame(tags, TAGS))
    found = sorted((row["item"], row["hour"], row["num"]) for row in items_df.collect() if row["kind"] == "tag")
    assert found == [("cat", 5, 5), ("cat", 6, 1), ("old", 5, 3), ("old", 6, 1), ("owl", 5, 3), ("owl", 6, 1)]


def test_a_series_has_the_hours_of_its_history_and_what_of_it_is_recent(spark: SparkSession) -> None:
    rows = [("gif", "a", 99, 7), ("gif", "a", 100, 2), ("gif", "a", 119, 3), ("gif", "a", 120, 9), ("gif", "b", 110, 1)]
    series_df = make_series(spark.createDataFrame(rows, COUNTS), 100, 120, 10)
    found = {row["item"]: (row.recent, dict(zip(row.hours, row.nums, strict=True))) for row in series_df.collect()}
    assert found == {"a": (3, {0: 2, 19: 3}), "b": (1, {10: 1})}
    assert {tuple(row) for row in total_by_hour(series_df).collect()} == {("gif", 0, 2), ("gif", 19, 3), ("gif", 10, 1)}
