"""Tags become normalised tags, counts and labels, the same as counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from autotag_core.config import LabelsConfig
from autotag_core.errors import InputError
from autotag_core.labels import TagCounts
from udfs.labels import counts as label_counts
from udfs.labels.labels import normalise_tags, to_labels

SCHEMA = "gif_id string, tags array<string>, editorial_tags array<string>, popularity bigint"
ROWS: list[Any] = [
    ("a", ["Cat", "#cat", "LOL!"], ["cat"], 5),
    ("b", ["cat", "lol", "dog"], [], 9),
    ("c", ["dog", "!!!", None], ["dog", "Animal"], 9),
    ("d", [], [], 1),
    ("e", None, None, 1),
]


@pytest.fixture(scope="module")
def catalog_df(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(ROWS, SCHEMA)


LABELS = pa.table({"label_id": [0, 1], "label": ["kitty", "lol"], "members": [["cat", "kitty"], ["lol"]]})


def test_members_count_as_their_label_once_and_other_tags_stay_as_written(catalog_df: DataFrame) -> None:
    found = {row.gif_id: row.asDict() for row in to_labels(catalog_df, LABELS).collect()}
    assert {gif_id: (row["tags"], row["other_tags"]) for gif_id, row in found.items()} == {
        "a": (["kitty", "lol"], []),
        "b": (["kitty", "lol"], ["dog"]),
        "c": ([], ["dog", "!!!"]),
        "d": ([], []),
        "e": ([], []),
    }
    assert [found[gif_id]["editorial_tags"] for gif_id in "abc"] == [["kitty"], [], ["dog", "Animal"]]
    assert [found[gif_id]["popularity"] for gif_id in "abc"] == [5, 9, 9]
    again_df = to_labels(to_labels(catalog_df, LABELS), LABELS)
    assert again_df.columns == ["gif_id", "tags", "editorial_tags", "popularity", "other_tags"]


def by_tag(counts: TagCounts) -> dict[str, tuple[int, ...]]:
    columns = (counts.num_gifs, counts.num_editorial, counts.num_edited, counts.popularity)
    return dict(zip(counts.tags, zip(*(column.tolist() for column in columns), strict=True), strict=True))


def test_tags_and_their_contexts_are_counted_by_gifs(spark: SparkSession, catalog_df: DataFrame) -> None:
    searches_df = spark.createDataFrame([("cat", 70), ("unseen", 3)], "tag string, num_searches bigint")
    counts = label_counts.gather_counts(normalise_tags(catalog_df.repartition(3)), LabelsConfig(), searches_df)
    assert by_tag(counts) == {"animal": (0, 1, 0, 0), "cat": (2, 1, 1, 70), "dog": (2, 1, 1, 0), "lol": (2, 0, 1, 0)}
    assert (counts.catalog_gifs, counts.edited_gifs) == (5, 2)
    # animal, cat, dog, lol
    assert counts.contexts.toarray().tolist() == [[0, 0, 0, 0], [0, 0, 1, 2], [0, 1, 0, 1], [0, 2, 1, 0]]
    assert counts.translations.toarray().tolist() == [[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0]]


def test_a_tag_remembers_its_most_frequent_contexts_and_a_gif_its_first_tags(catalog_df: DataFrame) -> None:
    tags_df = normalise_tags(catalog_df)
    counts = label_counts.gather_counts(tags_df, LabelsConfig().model_copy(update={"max_contexts": 1}))
    assert counts.contexts.toarray()[1].tolist() == [0, 0, 0, 2]
    counts = label_counts.gather_counts(tags_df, LabelsConfig().model_copy(update={"max_tags_per_gif": 2}))
    assert counts.contexts.toarray().sum() == 4  # cat with lol, twice, both ways round
    assert by_tag(counts)["dog"][0] == 2


def test_usage_and_coverage_of_labels(catalog_df: DataFrame) -> None:
    labelled_df = to_labels(catalog_df, LABELS)
    usage = label_counts.label_usage(labelled_df)
    assert usage.num_gifs == {"kitty": 2, "lol": 2}
    assert usage.examples == {"kitty": ("b", "a"), "lol": ("b", "a")}
    found = label_counts.coverage(labelled_df)
    assert (found.num_labelled, found.num_gifs, found.num_members, found.num_tags) == (2, 3, 4, 7)


def test_searches_are_summed_by_normalised_query(spark: SparkSession, tmp_path: Any) -> None:
    (tmp_path / "s.csv").write_text("query,count\nCat,5\n#cat,2\n!!,9\ndog,many\n")
    (tmp_path / "s.jsonl").write_text('{"query": "cat", "count": 7}\n')
    (tmp_path / "bad.jsonl").write_text('{"q": "cat"}\n')
    for name in ("s.csv", "s.jsonl"):
        rows = label_counts.count_searches(spark, str(tmp_path / name)).collect()
        assert [(row.tag, row.num_searches) for row in rows] == [("cat", 7)]
    with pytest.raises(InputError, match="none of 1 rows is a search: searches have the columns query and count"):
        label_counts.count_searches(spark, str(tmp_path / "bad.jsonl"))


def test_merged_counts_are_those_of_merged_tags(catalog_df: DataFrame) -> None:
    counts = label_counts.gather_counts(normalise_tags(catalog_df), LabelsConfig())
    merged = counts.merged(np.array([-1, 1, 1, 3]))  # no animal, dog is cat
    assert by_tag(merged) == {"animal": (0, 0, 0, 0), "cat": (4, 2, 2, 4), "dog": (0, 0, 0, 0), "lol": (2, 0, 1, 2)}
    assert merged.together(1, 3) == 3 and merged.contexts.diagonal().tolist() == [0, 0, 0, 0]
