"""Scores through the tables: by the published rule, and where experts were judged by tags that they had been given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog
from pyspark.sql import DataFrame, SparkSession

from autotag_core.config import Config, NeighborsConfig, VoteConfig
from autotag_core.tables import CATALOG, DECIDED_TAGS, EXPERT_WEIGHTS, NEIGHBORS, VOTED_TAGS
from autotag_core.votes import ExpertWeight
from jobs.process.progress import Progress
from jobs.run.delta_tables import spark_schema
from jobs.run.run import Run
from jobs.votes.fit_judge import learn_to_score, read_weights
from jobs.votes.tabulate_tags import tabulate_tags
from jobs.votes.vote_tags import vote_tags
from jobs.votes.weigh_experts import weigh_experts

GIFS = (
    "gif_id string, uri string, tags array<string>, editorial_tags array<string>, caption string, popularity bigint, "
    "version string, split string"
)
LISTS = "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"


def weights(spark: SparkSession, *rows: tuple[str, float, float | None]) -> DataFrame:
    return spark.createDataFrame(list(rows), "expert string, weight double, weight_on_new_tags double")


def test_weights_on_new_tags_are_read_where_they_were_measured(spark: SparkSession) -> None:
    weights_df = weights(spark, ("semantic", 0.9, 0.3), ("imagenet", 0.5, 0.4))
    assert read_weights(weights_df, VoteConfig()) == (
        {"imagenet": ExpertWeight(0.5, 0.4), "semantic": ExpertWeight(0.9, 0.3)},
        {},
    )


def test_an_expert_that_was_judged_by_tags_it_knew_is_weighed_on_new_ones_like_the_others(spark: SparkSession) -> None:
    rows = [("imagenet", 0.5, None), ("text", 0.3, None), ("semantic", 0.99, None), ("temporal", 0.35, None)]
    found, guessed = read_weights(weights(spark, *rows), VoteConfig())
    assert {name: (one.published, one.on_new_tags) for name, one in found.items()} == {
        "imagenet": (0.5, 0.5),
        "text": (0.3, 0.3),
        "semantic": (0.99, pytest.approx(0.4)),
        "temporal": (0.35, 0.35),
    }
    assert guessed == {"semantic": pytest.approx(0.4), "temporal": 0.35}
    alone, _ = read_weights(weights(spark, ("semantic", 0.99, None)), VoteConfig())
    assert alone == {"semantic": ExpertWeight(0.99, 0.99)}


def test_by_the_published_rule_score_is_the_published_score_and_a_slip_is_a_tag_like_any_other(
    spark: SparkSession, tmp_path: Path
) -> None:
    log: Any = structlog.get_logger()
    config = Config(
        experts=("imagenet",),
        neighbors=NeighborsConfig(k=2),
        vote=VoteConfig(rule="published", neighbors=2, lower_bound=0.5),
    )
    run = Run(spark, config, str(tmp_path), log, Progress(spark.sparkContext, is_terminal=False))
    tags = {"a": ["kittne"], "b": ["kitten"], "c": ["kitten", "kittne"], "d": ["kitten", "sun"]}
    gifs = [(gif_id, f"{gif_id}.gif", said, [], None, 0, None, "train") for gif_id, said in tags.items()]
    run.facts.rows_out["catalog"] = run.tables.write(
        CATALOG,
        spark.createDataFrame(gifs, GIFS).selectExpr(
            "*", "cast(null as string) uploader", "cast(array() as array<string>) renditions"
        ),
    )
    nearest = {"a": ["b", "d"], "b": ["c", "d"], "c": ["a", "b"], "d": ["a", "b"]}
    lists = [(gif_id, "imagenet", ids, [0.5, 0.5]) for gif_id, ids in nearest.items()]
    run.tables.write(NEIGHBORS, spark.createDataFrame(lists, LISTS))
    ballots = tabulate_tags(run)
    weigh_experts(run, ballots)
    assert run.tables.read(EXPERT_WEIGHTS).count() == 1
    vote_tags(run, ballots, learn_to_score(run, ballots))
    voted = {(row["gif_id"], row["tag"]): row for row in run.tables.read(VOTED_TAGS).collect()}
    assert {pair: row["score"] for pair, row in voted.items()} == {
        pair: row["published_score"] for pair, row in voted.items()
    }
    assert (voted["a", "kittne"]["score"], voted["a", "kittne"]["source"]) == (0.0, "unconfirmed")
    assert (voted["a", "kitten"]["score"], voted["c", "kittne"]["score"]) == (1.0, 0.5)
    assert not (tmp_path / "_staging" / run.run_id / "slips").exists(), "nobody asks for slips by this rule"


def test_what_editors_decided_teaches_is_voted_on_and_withheld(spark: SparkSession, tmp_path: Path) -> None:
    log: Any = structlog.get_logger()
    vote = VoteConfig(rule="reliability", neighbors=2, lower_bound=0.5, min_evaluation_gifs=3)
    config = Config(experts=("imagenet",), neighbors=NeighborsConfig(k=2), vote=vote)
    run = Run(spark, config, str(tmp_path), log, Progress(spark.sparkContext, is_terminal=False))
    tags = {"a": ["cat"], "b": ["cat", "old"], "c": ["old"], "d": ["sun", "cat"]}
    editorial: dict[str, list[str]] = {"a": ["sun"], "d": ["cat"]}
    gifs = [
        (gif_id, f"{gif_id}.gif", said, editorial.get(gif_id, []), None, 0, None, "train")
        for gif_id, said in tags.items()
    ]
    run.facts.rows_out["catalog"] = run.tables.write(
        CATALOG,
        spark.createDataFrame(gifs, GIFS).selectExpr(
            "*", "cast(null as string) uploader", "cast(array() as array<string>) renditions"
        ),
    )
    decided = [("a", ["sun"], ["old", "gone"], ["old"]), ("d", ["cat"], [], ["cat"])]
    run.tables.write(DECIDED_TAGS, spark.createDataFrame(decided, spark_schema(DECIDED_TAGS)))
    nearest = {"a": ["b", "d"], "b": ["c", "d"], "c": ["a", "b"], "d": ["a", "b"]}
    lists = [(gif_id, "imagenet", ids, [0.5, 0.5]) for gif_id, ids in nearest.items()]
    run.tables.write(NEIGHBORS, spark.createDataFrame(lists, LISTS))
    ballots = tabulate_tags(run)
    weigh_experts(run, ballots)
    learned = learn_to_score(run, ballots)
    assert run.facts.rows_out["scores"] == 3, "of a tag that nobody has there is no evidence"
    vote_tags(run, ballots, learned)
    voted = {(row["gif_id"], row["tag"]): row for row in run.tables.read(VOTED_TAGS).collect()}
    assert (voted["a", "sun"]["source"], voted["d", "cat"]["source"]) == ("editorial", "editorial")
    assert (voted["a", "old"]["source"], voted["a", "gone"]["source"]) == ("refused", "refused")
    assert "a" not in voted["c", "old"]["evidence"], "a refused tag votes for nobody"
