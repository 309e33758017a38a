"""What is nearest to a tag, a GIF or a search, and what of it people looked at next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import exact_neighbors
from autotag_core.related import TokenVectors
from autotag_core.related.quality import Hits
from autotag_core.tables import RELATED_GIFS, RELATED_TAGS, check_columns
from udfs.evaluation import related_quality
from udfs.related import related

NEIGHBORS = "gif_id string, neighbor_ids array<string>, distances array<float>"
SESSIONS = "session_id string, gif_ids array<string>"


def tokens_of(*names: str, seed: int = 3) -> TokenVectors:
    vectors = np.random.default_rng(seed).normal(size=(len(names), 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return TokenVectors(names, vectors)


def nearest(tokens: TokenVectors, name: str, k: int) -> tuple[list[str], list[float]]:
    """The oracle: names and similarities."""
    row = tokens.rows[name]
    ids, distances = exact_neighbors([name], tokens.vectors[[row]], list(tokens.names), tokens.vectors, k).of(0)
    return ids, (np.float32(1) - np.array(distances, np.float32)).tolist()


def gifs_df(spark: SparkSession, *gif_ids: str) -> DataFrame:
    return spark.createDataFrame([(gif_id,) for gif_id in gif_ids], "gif_id string")


@pytest.mark.parametrize("backend", ["exact", "nmslib"])
def test_every_token_gets_its_nearest_whatever_the_shards(backend: Any, spark: SparkSession, tmp_path: Path) -> None:
    tokens = tokens_of(*(f"t{number:03d}" for number in range(300)))
    config = NeighborsConfig(k=3, backend=backend, shard_size=120)
    searchable = related.make_searchable(spark, tokens, config, str(tmp_path))
    related_df = related.related_tokens(spark, searchable, "tag")
    check_columns(RELATED_TAGS, to_arrow_schema(related_df.schema))
    rows = {row.tag: (row.related, row.similarities) for row in related_df.collect()}
    assert rows == {name: nearest(tokens, name, 3) for name in tokens.names}
    assert len(list(tmp_path.iterdir())) == 3


def test_a_token_alone_and_no_token_at_all_have_no_row(spark: SparkSession, tmp_path: Path) -> None:
    for names in ((), ("alone",)):
        searchable = related.make_searchable(spark, tokens_of(*names), NeighborsConfig(), str(tmp_path))
        assert related.related_tokens(spark, searchable, "tag").collect() == []


def test_a_gif_of_sessions_gets_gifs_of_sessions_and_another_its_neighbors_by_tags(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = tokens_of("a", "b", "c", "d")
    searchable = related.make_searchable(spark, tokens, NeighborsConfig(k=2, backend="exact"), str(tmp_path))
    rows = [
        ("a", ["z"], [0.5]),
        ("x", ["a", "b", "z"], [0.25, 0.5, 0.75]),
        ("lonely", [], []),
        ("c", [], []),
        ("b", ["z"], [0.5]),
    ]
    monkeypatch.setattr(related, "QUERY_BYTES", 1)  # a block a GIF
    related_df = related.related_gifs(spark.createDataFrame(rows, NEIGHBORS).coalesce(1), searchable, 2)
    check_columns(RELATED_GIFS, to_arrow_schema(related_df.schema))
    found = {row.gif_id: (row.related, row.similarities, row.source) for row in related_df.collect()}
    assert found == {name: (*nearest(tokens, name, 2), "sessions") for name in ("a", "b", "c")} | {
        "x": (["a", "b"], [0.75, 0.5], "tags")
    }


def test_without_sessions_all_gifs_get_their_neighbors_by_tags(spark: SparkSession) -> None:
    rows = [("x", ["a", "b"], [0.25, 0.5]), ("lonely", [], [])]
    found = related.related_gifs(spark.createDataFrame(rows, NEIGHBORS), None, 1).collect()
    assert [tuple(row) for row in found] == [("x", ["a"], [0.75], "tags")]


def test_a_tag_of_few_gifs_is_not_among_the_frequent_ones(spark: SparkSession) -> None:
    catalog_df = spark.createDataFrame([(["cat", "lol"],), (["lol"],), ([],), (None,)], "tags array<string>")
    assert related.frequent_tags(catalog_df, 2) == ["lol"]
    assert sorted(related.frequent_tags(catalog_df, 1)) == ["cat", "lol"]


def test_gifs_that_sessions_name_and_the_catalog_does_not_are_left_out(spark: SparkSession) -> None:
    assert sorted(related.known_gifs(gifs_df(spark, "a", "b", "c"), ["b", "gone", "a"])) == ["a", "b"]
    assert related.known_gifs(gifs_df(spark, "a"), []) == []


def test_a_search_is_the_same_in_any_case_and_spacing(spark: SparkSession) -> None:
    sessions_df = spark.createDataFrame(
        [("s", ["Happy  Birthday", "CAKE"])], "session_id string, queries array<string>"
    )
    assert [tuple(row) for row in related.search_sentences(sessions_df).collect()] == [
        ("search", "s", ["happy birthday", "cake"])
    ]


def sessions_df(spark: SparkSession, *sessions: list[str]) -> DataFrame:
    return spark.createDataFrame([(f"s{number}", gif_ids) for number, gif_ids in enumerate(sessions)], SESSIONS)


def test_a_session_is_on_one_side_of_the_split_and_the_same_one_every_time(spark: SparkSession) -> None:
    rows = [(f"s{number % 500}", ["a"]) for number in range(1000)]
    both = [related_quality.split_sessions(spark.createDataFrame(rows, SESSIONS), 0.2, seed) for seed in (7, 7, 8)]
    first, second, other = ({row.session_id for row in held_out_df.collect()} for _, held_out_df in both)
    training = {row.session_id for row in both[0][0].collect()}
    assert training.isdisjoint(first) and len(training | first) == 500
    assert 70 <= len(first) <= 130
    assert first == second != other


def test_the_next_view_is_another_gif_of_the_catalog(spark: SparkSession) -> None:
    views_df = related_quality.next_views(
        sessions_df(spark, ["a", "b", "b", "gone", "a"], ["c"], [], ["a", "c"]), gifs_df(spark, "a", "b", "c")
    )
    assert sorted((row.gif_id, row.next_id) for row in views_df.collect()) == [("a", "b"), ("a", "c")]


def test_baselines_recommend_what_is_viewed_most_and_what_is_viewed_together_most(spark: SparkSession) -> None:
    train_df = sessions_df(spark, ["a", "b", "c"], ["b", "a", "a"], ["c", "b"], ["b", "gone"], ["gone", "gone"], ["d"])
    catalog_df = gifs_df(spark, "a", "b", "c", "d")
    assert related_quality.popular_gifs(train_df, catalog_df, 3) == ["b", "a", "c"]
    found = related_quality.cooccurring_gifs(train_df, catalog_df, 1).collect()
    together = {row.gif_id: row.related for row in found}
    assert together == {"a": ["b"], "b": ["a"], "c": ["b"], "gone": ["b"]}


def test_hits_are_counted_for_each_method_and_a_gif_is_never_recommended_beside_itself(spark: SparkSession) -> None:
    views = [("a", "b"), ("a", "c"), ("b", "a"), ("c", "d")]
    views_df = spark.createDataFrame(views, "gif_id string, next_id string")
    related_df = spark.createDataFrame(
        [("a", ["b", "d"], "sessions"), ("c", ["b", "d"], "tags")],
        "gif_id string, related array<string>, source string",
    )
    together_df = spark.createDataFrame([("b", ["a"])], "gif_id string, related array<string>")
    num_views, hits = related_quality.count_hits(views_df, related_df, together_df, ["a", "b", "c"], 2)
    assert num_views == 4
    assert hits == {
        "related": Hits(3, 2),
        "from sessions": Hits(2, 1),
        "from tags": Hits(1, 1),
        "co-occurrence": Hits(1, 1),
        "popularity": Hits(4, 3),
    }
