"""The published vote, worked by hand: literal neighbors and tags in, literal confidences and scores out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from scipy.stats import binomtest

from autotag_core.config import VoteConfig
from autotag_core.splits import TEST, TRAIN, VALIDATION
from autotag_core.tables import EXPERT_WEIGHTS, check_columns
from benchmarks.vote_sql import duckdb_vote, spark_vote
from tests.core.votes.published.odd_catalogs import drawn
from udfs.votes.ballots import Ballots, about_rows
from udfs.votes.expert_weights import evaluation_truth, weigh_experts
from udfs.votes.tag_tables import write_tags
from udfs.votes.votes import publish_tags

Gif = tuple[str, str, list[str], list[str]]
Voted = dict[str, tuple[float, float, str, dict[str, int], list[str]]]
K = 3


def catalog(spark: SparkSession, *gifs: Gif) -> DataFrame:
    return spark.createDataFrame(
        list(gifs), "gif_id string, split string, tags array<string>, editorial_tags array<string>"
    )


def neighbors(spark: SparkSession, *lists: tuple[str, str, list[str]]) -> DataFrame:
    return spark.createDataFrame(list(lists), "gif_id string, expert string, neighbor_ids array<string>")


def ballots(lists: DataFrame, gifs: DataFrame, folder: str | Path, slice_gifs: int | None = None) -> Ballots:
    about_df = about_rows(gifs)
    if "distances" not in lists.columns:
        lists = lists.withColumn("distances", F.expr("transform(neighbor_ids, one -> cast(0 as float))"))
    return Ballots(lists, about_df, write_tags(about_df, None, str(folder), slice_gifs))


def voted(
    lists: DataFrame, gifs: DataFrame, weights: Mapping[str, float], config: VoteConfig | None = None
) -> dict[str, Voted]:
    """{gif_id: {tag: (confidence, published_score, source, votes, evidence)}}, numbers to four digits."""
    with tempfile.TemporaryDirectory() as folder:
        config = config or VoteConfig(neighbors=K, lower_bound=1.0)
        rows = publish_tags(ballots(lists, gifs, folder), weights, config).collect()
    found: dict[str, Voted] = {}
    for row in rows:
        tags = found.setdefault(row["gif_id"], {})
        assert row["tag"] not in tags
        numbers = round(row["confidence"], 4), round(row["published_score"], 4)
        tags[row["tag"]] = (*numbers, row["source"], row["votes"], row["evidence"])
    return found


WEIGHTS = {"imagenet": 0.5, "semantic": 0.25}
REFERENCE: list[Gif] = [
    ("n1", TRAIN, ["cat", "kitten"], []),
    ("n2", TRAIN, ["kitten"], ["cat", "kitten"]),
    ("n3", TRAIN, ["dog", "rare"], []),
    ("n4", TRAIN, ["kitten"], []),
    ("v", VALIDATION, ["secret", "old"], []),
]
ASKED: Gif = ("asked", TRAIN, ["cat", "dog", "old"], [])
LISTS = [("asked", "imagenet", ["n1", "n2", "n3"]), ("asked", "semantic", ["n4", "v", "n1"])]
"""Votes, imagenet and semantic: cat 2 and 1, kitten 2 and 2, dog 1 and 0, rare 1 and 0; `v` is not train and has none.
Weighted: cat 0.5 * 2 + 0.25 * 1 = 1.25, kitten 0.5 * 2 + 0.25 * 2 = 1.5, dog and rare 0.5. The largest vote that a GIF
could get is 3 * (0.5 + 0.25) = 2.25."""


def test_the_published_vote_worked_by_hand(spark: SparkSession) -> None:
    found = voted(neighbors(spark, *LISTS), catalog(spark, ASKED, *REFERENCE), WEIGHTS)
    assert found["asked"] == {
        "cat": (1.0, round(1.25 / 2.25, 4), "confirmed", {"imagenet": 2, "semantic": 1}, ["n1", "n2"]),
        "dog": (1.0, round(0.5 / 2.25, 4), "confirmed", {"imagenet": 1}, ["n3"]),
        "old": (0.7, 0.0, "unconfirmed", {}, []),
        "kitten": (
            round(1.5 / 2.25, 4),
            round(1.5 / 2.25, 4),
            "voted",
            {"imagenet": 2, "semantic": 2},
            ["n1", "n2", "n4"],
        ),
    }
    assert found["n2"] == {
        "kitten": (1.0, 0.0, "editorial", {}, []),
        "cat": (1.0, 0.0, "editorial", {}, []),
    }
    assert found["n3"] == {"dog": (1.0, 0.0, "original", {}, []), "rare": (1.0, 0.0, "original", {}, [])}


def test_neighbors_beyond_the_ten_nearest_do_not_vote(spark: SparkSession) -> None:
    others = [(f"o{number:02}", TRAIN, ["other"], []) for number in range(9)]
    gifs: list[Gif] = [ASKED, *others, ("tenth", TRAIN, ["cat"], []), ("eleventh", TRAIN, ["cat", "dog", "late"], [])]
    lists = neighbors(spark, ("asked", "imagenet", [gif[0] for gif in gifs[1:]]))
    found = voted(lists, catalog(spark, *gifs), {"imagenet": 1.0}, VoteConfig(lower_bound=0.0))["asked"]
    assert found == {
        "cat": (1.0, 0.1, "confirmed", {"imagenet": 1}, ["tenth"]),
        "dog": (0.7, 0.0, "unconfirmed", {}, []),
        "old": (0.7, 0.0, "unconfirmed", {}, []),
        "other": (0.9, 0.9, "voted", {"imagenet": 9}, [gif[0] for gif in others]),
    }


def test_normalised_by_its_own_largest_vote_a_gifs_best_tag_has_score_one(spark: SparkSession) -> None:
    config = VoteConfig(neighbors=K, normalise="max", lower_bound=0.5).model_copy(
        update={"unconfirmed_confidence": 0.25}
    )
    found = voted(neighbors(spark, *LISTS), catalog(spark, ASKED, *REFERENCE), WEIGHTS, config)["asked"]
    assert {tag: row[:3] for tag, row in found.items()} == {
        "kitten": (1.0, 1.0, "voted"),
        "cat": (1.0, round(1.25 / 1.5, 4), "confirmed"),
        "dog": (1.0, round(0.5 / 1.5, 4), "confirmed"),
        "rare": (round(0.5 / 1.5, 4), round(0.5 / 1.5, 4), "voted"),
        "old": (0.25, 0.0, "unconfirmed"),
    }


@pytest.mark.parametrize(("lower_bound", "added"), [(1.5, {"kitten"}), (1.51, set()), (0.0, {"kitten", "rare"})])
def test_a_new_tag_comes_in_from_the_lower_bound_on(lower_bound: float, added: set[str], spark: SparkSession) -> None:
    config = VoteConfig(neighbors=K, lower_bound=lower_bound)
    found = voted(neighbors(spark, *LISTS), catalog(spark, ASKED, *REFERENCE), WEIGHTS, config)["asked"]
    assert {tag for tag, row in found.items() if row[2] == "voted"} == added
    assert {"cat", "dog", "old"} <= set(found)


def test_gifs_that_nobody_may_change_or_was_asked_about_keep_exactly_their_tags(spark: SparkSession) -> None:
    gifs: list[Gif] = [
        ("validation", VALIDATION, ["cat", "old"], ["edited"]),
        ("test", TEST, ["cat"], ["cat"]),
        ("unseen", TRAIN, ["cat", "old"], []),
        ("abstained", TRAIN, ["cat"], []),
        ("untagged", TRAIN, [], []),
        ("untagged test", TEST, [], []),
        ("edited", TRAIN, ["old"], ["word"]),
    ]
    asked = ("validation", "test", "untagged", "untagged test", "edited")
    lists = [(gif_id, "imagenet", ["n1", "n2"]) for gif_id in asked] + [("abstained", "imagenet", [])]
    found = voted(neighbors(spark, *lists), catalog(spark, *gifs, *REFERENCE), {"imagenet": 1.0})
    share = round(2 / 3, 4)
    assert {gif_id: tags for gif_id, tags in found.items() if gif_id in {row[0] for row in gifs}} == {
        "validation": {
            "cat": (1.0, share, "original", {"imagenet": 2}, ["n1", "n2"]),
            "old": (1.0, 0.0, "original", {}, []),
            "edited": (1.0, 0.0, "editorial", {}, []),
        },
        "test": {"cat": (1.0, share, "editorial", {"imagenet": 2}, ["n1", "n2"])},
        "unseen": {"cat": (1.0, 0.0, "original", {}, []), "old": (1.0, 0.0, "original", {}, [])},
        "abstained": {"cat": (1.0, 0.0, "original", {}, [])},
        "untagged": {
            "cat": (share, share, "voted", {"imagenet": 2}, ["n1", "n2"]),
            "kitten": (share, share, "voted", {"imagenet": 2}, ["n1", "n2"]),
        },
        "edited": {
            "cat": (share, share, "voted", {"imagenet": 2}, ["n1", "n2"]),
            "kitten": (share, share, "voted", {"imagenet": 2}, ["n1", "n2"]),
            "old": (0.7, 0.0, "unconfirmed", {}, []),
            "word": (1.0, 0.0, "editorial", {}, []),
        },
    }


def test_a_catalog_without_train_gifs_keeps_its_tags(spark: SparkSession, tmp_path: Path) -> None:
    gifs_df = catalog(spark, ("v", VALIDATION, ["cat"], []))
    assert voted(neighbors(spark, ("v", "imagenet", ["n1"])), gifs_df, WEIGHTS) == {
        "v": {"cat": (1.0, 0.0, "original", {}, [])}
    }
    assert write_tags(about_rows(gifs_df.where("false")), None, str(tmp_path)).num_gifs == 0


def test_an_expert_with_weight_zero_confirms_but_adds_nothing(spark: SparkSession) -> None:
    config = VoteConfig(neighbors=K, lower_bound=0.0)
    found = voted(neighbors(spark, *LISTS), catalog(spark, ASKED, *REFERENCE), {"imagenet": 0.0}, config)["asked"]
    assert found == {
        "cat": (1.0, 0.0, "confirmed", {"imagenet": 2}, ["n1", "n2"]),
        "dog": (1.0, 0.0, "confirmed", {"imagenet": 1}, ["n3"]),
        "old": (0.7, 0.0, "unconfirmed", {}, []),
    }


@pytest.mark.parametrize("weights", [{}, {"another": 1.0}])
def test_where_no_expert_was_ever_judged_every_gif_keeps_its_tags(
    weights: dict[str, float], spark: SparkSession
) -> None:
    found = voted(neighbors(spark, *LISTS), catalog(spark, ASKED, *REFERENCE), weights)["asked"]
    assert found == {tag: (1.0, 0.0, "original", {}, []) for tag in ("cat", "dog", "old")}


def test_the_result_is_the_same_to_the_bit_however_rows_are_spread_and_tags_cut(
    spark: SparkSession, tmp_path: Path
) -> None:
    tags = [f"t{number}" for number in range(7)]
    gifs = [(f"g{number}", TRAIN, tags[number % 7 : number % 7 + 1 + number % 3], []) for number in range(60)]
    lists = [
        (f"g{number}", expert, [f"g{(number * step + 7 * rank) % 60}" for rank in range(1, 4)])
        for number in range(60)
        for expert, step in (("a", 1), ("b", 11), ("c", 17))
    ]
    weights = {"a": 0.1, "b": 0.2, "c": 0.3}  # 0.1 + 0.2 + 0.3 depends on the order of the sum
    found = []
    for parts, slice_gifs in ((1, None), (7, 9)):
        lists_df, gifs_df = neighbors(spark, *lists).repartition(parts), catalog(spark, *gifs).repartition(parts)
        config = VoteConfig(neighbors=K, lower_bound=0.25, normalise="max")
        read = ballots(lists_df, gifs_df, tmp_path, slice_gifs)
        assert len(read.tags.slices) == (7 if slice_gifs else 1)
        voted_df = publish_tags(read, weights, config)
        found.append(sorted((row.asDict() for row in voted_df.collect()), key=lambda row: (row["gif_id"], row["tag"])))
    assert found[0] == found[1]
    assert {row["source"] for row in found[0]} == {"confirmed", "unconfirmed", "voted"}


@pytest.mark.parametrize("normalise", ["possible", "max"])
def test_a_random_catalog_is_voted_on_as_plain_sql_does_in_spark_and_duckdb(
    normalise: str, spark: SparkSession, tmp_path: Path
) -> None:
    gifs, lists = drawn(seed=3)
    weights, config = {"a": 0.1, "b": 0.2}, VoteConfig(neighbors=K, lower_bound=0.25, normalise=normalise)
    gifs_df = catalog(spark, *((gif_id, *gif) for gif_id, gif in gifs.items()))
    lists_df = neighbors(spark, *((*key, [one for one, _ in near]) for key, near in lists.items()))
    voted_df = publish_tags(ballots(lists_df, gifs_df, tmp_path), weights, config)
    found, by_spark = (
        sorted(tuple(row.asDict().values()) for row in rows_df.collect())
        for rows_df in (voted_df, spark_vote(lists_df, gifs_df, weights, config))
    )
    assert found == by_spark
    assert sum(row[3] == "voted" for row in found) > 5
    if normalise == "possible":
        with duckdb.connect() as connection:
            connection.register("lists", lists_df.toArrow())
            connection.register("gifs", gifs_df.toArrow())
            assert sorted(connection.execute(duckdb_vote("lists", "gifs", weights, config)).fetchall()) == found


def test_the_columns_are_those_of_the_table(spark: SparkSession) -> None:
    lists_df, gifs_df = neighbors(spark, *LISTS), catalog(spark, ASKED, *REFERENCE)
    with tempfile.TemporaryDirectory() as folder:
        weights_df = weights_of(lists_df, gifs_df, VoteConfig(), folder)
        check_columns(EXPERT_WEIGHTS, to_arrow_schema(weights_df.schema))


def weights_of(lists: DataFrame, gifs: DataFrame, config: VoteConfig, folder: str) -> DataFrame:
    experts = [row["expert"] for row in lists.select("expert").distinct().collect()]
    return weigh_experts(ballots(lists, gifs, folder), evaluation_truth(gifs, config), experts, config)


def weighed(lists: DataFrame, gifs: DataFrame, config: VoteConfig) -> dict[str, tuple[int, int, float, str]]:
    """{expert: (num_correct, num_evaluated, weight, evaluated_on)}."""
    with tempfile.TemporaryDirectory() as folder:
        rows = weights_of(lists, gifs, config, folder).collect()
    return {
        row["expert"]: (row["num_correct"], row["num_evaluated"], row["weight"], row["evaluated_on"]) for row in rows
    }


def test_a_weight_is_the_share_of_validation_gifs_with_one_right_predicted_tag(spark: SparkSession) -> None:
    gifs: list[Gif] = [
        ("n1", TRAIN, ["b", "z"], []),
        ("n2", TRAIN, ["a", "z"], []),
        ("v1", VALIDATION, ["wrong"], ["a"]),  # predicted: z (2 votes), then a before b: right
        ("v2", VALIDATION, ["z"], ["c"]),  # the uploader's z is no truth: wrong
        ("v3", VALIDATION, [], ["a", "b"]),  # right
        ("v4", VALIDATION, ["z"], []),  # no editorial tags: not judged
        ("t", TEST, [], ["z"]),  # not validation: not judged
    ]
    asked = [(gif[0], "imagenet", ["n1", "n2"]) for gif in gifs]
    lists = [
        *asked,
        ("v1", "semantic", ["v3"]),  # no train neighbor: it predicted nothing, and that is wrong
        ("v2", "semantic", []),  # abstains: does not count
        ("v3", "semantic", ["n1", "v1"]),
        ("n1", "unjudged", ["n2"]),
    ]
    config = VoteConfig(min_evaluation_gifs=3).model_copy(update={"predicted_tags": 2})
    assert weighed(neighbors(spark, *lists), catalog(spark, *gifs), config) == {
        "imagenet": (2, 3, 2 / 3, VALIDATION),
        "semantic": (1, 2, 0.5, VALIDATION),
    }


def test_weights_of_new_tags_of_all_gifs_and_their_intervals_worked_by_hand(spark: SparkSession) -> None:
    """`semantic` says a GIF's own tags back: right on every GIF, and on no tag that a GIF lacks."""
    gifs: list[Gif] = [
        ("own", TRAIN, ["cat"], []),
        ("new", TRAIN, ["pet"], []),
        ("v1", VALIDATION, ["cat"], ["cat", "pet"]),
        ("v2", VALIDATION, ["cat"], ["cat", "pet"]),
        ("v3", VALIDATION, ["cat"], ["cat"]),  # lacks nothing
    ]
    lists = [(gif_id, "semantic", ["own"]) for gif_id in ("v1", "v2", "v3")]
    lists += [("v1", "imagenet", ["new"]), ("v2", "imagenet", ["own"]), ("v3", "imagenet", [])]
    config = VoteConfig(min_evaluation_gifs=3)
    with tempfile.TemporaryDirectory() as folder:
        rows = weights_of(neighbors(spark, *lists), catalog(spark, *gifs), config, folder).collect()
    found = {row["expert"]: row.asDict() for row in rows}
    names = ("weight", "weight_of_all", "num_evaluated", "weight_on_new_tags", "num_lacking")
    assert {expert: tuple(row[name] for name in names) for expert, row in found.items()} == {
        "semantic": (1.0, 1.0, 3, 0.0, 2),
        "imagenet": (1.0, 2 / 3, 2, 0.5, 2),  # it abstains from v3
    }
    intervals = {("semantic", "weight"): (3, 3), ("semantic", "weight_on_new_tags"): (0, 2)}
    intervals |= {("imagenet", "weight"): (2, 2), ("imagenet", "weight_on_new_tags"): (1, 2)}
    for (expert, name), (num_right, num) in intervals.items():
        oracle = binomtest(num_right, num).proportion_ci(method="wilson")
        row = found[expert]
        assert (row[f"{name}_low"], row[f"{name}_high"]) == pytest.approx((oracle.low, oracle.high), abs=1e-6)


def test_too_few_validation_gifs_and_the_experts_are_judged_on_train_each_gif_left_out(spark: SparkSession) -> None:
    gifs: list[Gif] = [
        ("a", TRAIN, ["cat"], ["never used as truth"]),
        ("b", TRAIN, ["cat", "dog"], []),
        ("c", TRAIN, ["fish"], []),
        ("untagged", TRAIN, [], ["cat"]),
        ("v", VALIDATION, ["cat"], ["cat"]),
    ]
    lists = [("a", "x", ["b"]), ("b", "x", ["c"]), ("c", "x", ["a"]), ("untagged", "x", ["a"]), ("v", "x", ["a"])]
    found = weighed(neighbors(spark, *lists), catalog(spark, *gifs), VoteConfig(min_evaluation_gifs=2))
    assert found == {"x": (1, 3, 1 / 3, TRAIN)}


def test_experts_are_judged_on_no_more_gifs_than_the_limit_and_always_the_same(spark: SparkSession) -> None:
    gifs: list[Gif] = [(f"g{number}", TRAIN, ["odd" if number % 2 else "even"], []) for number in range(40)]
    lists = [(f"g{number}", "x", [f"g{number // 4}"]) for number in range(40)]
    config = VoteConfig().model_copy(update={"max_evaluation_gifs": 10})
    found = [
        weighed(neighbors(spark, *lists).repartition(parts), catalog(spark, *gifs).repartition(parts), config)["x"]
        for parts in (1, 7)
    ]
    assert found[0] == found[1]
    assert found[0][1] == 10
    assert 0 < found[0][0] < 10


def test_without_any_truth_no_expert_has_a_weight(spark: SparkSession) -> None:
    gifs = catalog(spark, ("a", TRAIN, [], []), ("b", TRAIN, [], []))
    assert weighed(neighbors(spark, ("a", "x", ["b"])), gifs, VoteConfig()) == {}
