"""Tags gained and lost by Spark: literal tables of two releases in, changes with their reason out."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from udfs.reports.tag_changes import Side, catalog_counts, tag_changes

GIFS = "gif_id string, tags array<string>, editorial_tags array<string>, popularity bigint"
LISTS = "gif_id string, expert string, neighbor_ids array<string>"
VOTED = "gif_id string, tag string, source string, probability float, votes map<string,int>"


def side(spark: SparkSession, gifs: list[Any], lists: dict[str, list[str]], voted: list[Any]) -> Side:
    near = [(gif_id, "imagenet", ids) for gif_id, ids in lists.items()]
    return Side(
        spark.createDataFrame(gifs, GIFS), spark.createDataFrame(voted, VOTED), spark.createDataFrame(near, LISTS)
    )


def test_each_gained_and_lost_tag_has_the_first_reason_that_holds(spark: SparkSession) -> None:
    names = ("own", "near", "votes", "judged", "word", "same")
    gifs = [(name, ["cat"], [], 5) for name in names]
    lists = {name: ["n1", "n2"] for name in (*names, "new", "gone")}
    low = [(name, "kitten", "proposed", 0.4, {"imagenet": 1}) for name in names[:-1]]
    same = [("same", "kitten", "voted", 0.7, {"imagenet": 1}), ("same", "plain", "voted", None, {"imagenet": 1})]
    before = side(
        spark,
        [*gifs, ("gone", ["cat"], [], 9)],
        lists,
        [*low, *same, ("gone", "cat", "confirmed", 0.9, {})],
    )
    high = [
        ("own", "kitten", "voted", 0.7, {"imagenet": 1}),
        ("near", "kitten", "voted", 0.7, {"imagenet": 1}),
        ("votes", "kitten", "voted", 0.7, {"imagenet": 2}),
        ("judged", "kitten", "voted", 0.7, {"imagenet": 1}),
        ("word", "kitten", "editorial", None, {"imagenet": 1}),
        ("new", "cat", "original", None, {}),
    ]
    after = side(
        spark,
        [("own", ["pet", "cat"], [], 5), *gifs[1:], ("new", ["cat"], [], 7)],
        lists | {"near": ["n2", "n1"]},
        [
            *high,
            ("same", "kitten", "voted", 0.8, {"imagenet": 2}),
            ("same", "plain", "proposed", None, {"imagenet": 1}),
        ],
    )
    rows = tag_changes(before, after).collect()
    assert sorted((row["gif_id"], row["tag"], row["change"], row["reason"], row["popularity"]) for row in rows) == [
        ("gone", "cat", "lost", "the GIF is gone", 9),
        ("judged", "kitten", "gained", "judged anew: weights, thresholds or settings", 5),
        ("near", "kitten", "gained", "its neighbors changed", 5),
        ("new", "cat", "gained", "the GIF is new", 7),
        ("own", "kitten", "gained", "its own tags changed", 5),
        ("same", "plain", "lost", "judged anew: weights, thresholds or settings", 5),
        ("votes", "kitten", "gained", "its neighbors' tags changed", 5),
        ("word", "kitten", "gained", "an editor's word", 5),
    ]
    (gone,) = (row for row in rows if row["gif_id"] == "gone")
    assert gone["now"] is None and gone["was"]["source"] == "confirmed"
    assert [row["gif_id"] for row in tag_changes(before, after, tag="plain").collect()] == ["same"]
    counts = catalog_counts(before.catalog_df, after.catalog_df).collect()[0]
    assert counts.asDict() == {"before": 7, "after": 7, "new": 1, "gone": 1, "retagged": 1}
