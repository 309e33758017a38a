"""Choices of uploaders: whose GIF each is about, which one counts, and what it does to the catalog's tags."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import SparkSession

from udfs.catalog.choices import newest_choices, with_chosen_tags

CHOICES = (
    "gif string, gif_id string, offered map<string,float>, taken array<string>, refused array<string>, "
    "added array<string>, model string, time timestamp"
)


def choice(gif: str, gif_id: str | None, day: int, taken: list[str], added: list[str]) -> tuple[object, ...]:
    return gif, gif_id, {}, taken, ["dog"], added, "m", datetime(2026, 11, day, tzinfo=UTC)


def test_a_choice_is_of_its_gif_by_id_or_by_bytes_and_the_newest_counts(spark: SparkSession) -> None:
    gifs_df = spark.createDataFrame(
        [("a", None, ["cat"]), ("b", "hash-b", ["dog", "red"]), ("c", None, []), ("d", None, ["x"])],
        "gif_id string, version string, tags array<string>",
    )
    media_df = spark.createDataFrame([("c", "hash-c"), ("gone", "hash-c")], "gif_id string, version string")
    rows = [
        choice("other", "a", 1, ["old"], []),
        choice("other", "a", 2, ["cute"], ["mine", "cat"]),
        choice("hash-b", None, 3, ["red"], ["blue"]),
        choice("hash-c", "not-in-the-catalog", 4, ["green"], []),
        choice("nowhere", None, 5, ["lost"], []),
    ]
    choices_df = spark.createDataFrame(rows, CHOICES)
    chosen_df = newest_choices(choices_df, gifs_df, media_df)
    found = {row["gif_id"]: (row["taken"], row["added"], row["refused"]) for row in chosen_df.collect()}
    assert found == {
        "a": (["cute"], ["mine", "cat"], ["dog"]),
        "b": (["red"], ["blue"], ["dog"]),
        "c": (["green"], [], ["dog"]),
    }
    assert {row["time"] for row in chosen_df.collect() if row["gif_id"] == "a"} == {"2026-11-02T00:00:00Z"}
    tagged_df = with_chosen_tags(gifs_df, chosen_df)
    assert tagged_df.columns == gifs_df.columns
    assert {row["gif_id"]: row["tags"] for row in tagged_df.collect()} == {
        "a": ["cat", "cute", "mine"],
        "b": ["dog", "red", "blue"],
        "c": ["green"],
        "d": ["x"],
    }
    assert {row["gif_id"] for row in newest_choices(choices_df, gifs_df, None).collect()} == {"a", "b"}
