"""Old lists by what has happened to their neighbors, literal rows in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import NeighborsConfig
from autotag_core.tables import NEIGHBORS
from udfs.neighbors.merge import broken_lists, gains, merge_gains
from udfs.neighbors.shard_rows import ExpertSize, ShardFolders
from udfs.neighbors.shards import build_shards

EAST, NORTH, NORTH_EAST, WEST = [1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [-1.0, 0.0]
LISTS = [
    ("a", "imagenet", ["b", "c"], [0.25, 0.5]),
    ("a", "text", ["gone", "b"], [0.25, 0.5]),
    ("b", "imagenet", ["gone", "a"], [0.25, 0.5]),
    ("c", "text", ["b"], [0.25]),
    ("d", "imagenet", [], []),
]


@pytest.fixture
def neighbors_df(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame(LISTS, from_arrow_schema(NEIGHBORS.schema)).coalesce(1)


def rows_of(df: DataFrame) -> list[tuple[Any, ...]]:
    return sorted(tuple(row) for row in df.collect())


def test_a_list_is_broken_that_holds_what_is_lost_to_its_expert(spark: SparkSession, neighbors_df: DataFrame) -> None:
    lost_df = spark.createDataFrame(
        [("gone", "imagenet"), ("a", "imagenet"), ("d", "text")], "gif_id string, expert string"
    )
    assert rows_of(broken_lists(neighbors_df, lost_df)) == [("b", "imagenet")]


def test_a_new_reference_enters_where_it_is_nearer_than_the_last_or_there_is_room(
    spark: SparkSession, neighbors_df: DataFrame, tmp_path: Path
) -> None:
    columns = "gif_id string, expert string, embedding array<float>"
    rows = [("a", "imagenet", EAST), ("d", "imagenet", WEST), ("a", "text", EAST), ("c", "text", NORTH)]
    # north is 1 away from east and from west, north-east 0.4 from east and 0.2 from north
    new = [("n", "imagenet", NORTH), ("ne", "text", NORTH_EAST), ("a", "text", EAST)]
    config = NeighborsConfig(k=2, backend="exact")
    sizes = {"imagenet": ExpertSize(2, 1), "text": ExpertSize(2, 2)}
    shards = build_shards(spark.createDataFrame(new, columns), sizes, config, ShardFolders(str(tmp_path / "gained")))
    gains_df = gains(neighbors_df, spark.createDataFrame(rows, columns).coalesce(1), shards, config)
    near, far = pytest.approx(0.2), pytest.approx(0.4)
    assert rows_of(gains_df) == [
        ("a", "text", ["ne"], [far]),  # never itself
        ("c", "text", ["ne", "a"], [near, 1.0]),
        ("d", "imagenet", ["n"], [1.0]),
    ]
    assert rows_of(merge_gains(neighbors_df, gains_df, config.k)) == [
        LISTS[0],
        ("a", "text", ["gone", "ne"], [0.25, far]),
        LISTS[2],
        ("c", "text", ["ne", "b"], [near, 0.25]),
        ("d", "imagenet", ["n"], [1.0]),
    ]
