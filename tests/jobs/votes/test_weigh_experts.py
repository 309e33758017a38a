"""From neighbors to weights to voted tags, through the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import structlog
from pyspark.sql import SparkSession
from scipy.stats import binomtest

from autotag_core.config import Config, NeighborsConfig, VoteConfig
from autotag_core.tables import CATALOG, EXPERT_WEIGHTS, NEIGHBORS, VOTED_TAGS
from jobs.process.progress import Progress
from jobs.run.run import Run
from jobs.votes.fit_judge import learn_to_score
from jobs.votes.tabulate_tags import tabulate_tags
from jobs.votes.vote_tags import vote_tags
from jobs.votes.weigh_experts import weigh_experts

GIFS = (
    "gif_id string, uri string, tags array<string>, editorial_tags array<string>, caption string, popularity bigint, "
    "version string, split string"
)
LISTS = "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"


def test_the_weights_of_a_run_are_those_its_vote_uses(spark: SparkSession, tmp_path: Path) -> None:
    log: Any = structlog.get_logger()
    config = Config(
        experts=("imagenet",),
        neighbors=NeighborsConfig(k=1),
        vote=VoteConfig(neighbors=1, min_evaluation_gifs=2, lower_bound=0.5),
    )
    run = Run(spark, config, str(tmp_path), log, Progress(spark.sparkContext, is_terminal=False))
    gifs = [
        ("a", "a.gif", ["cat"], [], None, 0, None, "train"),
        ("b", "b.gif", ["dog"], [], None, 0, None, "train"),
        ("v1", "v.gif", [], ["cat"], None, 0, None, "validation"),
        ("v2", "w.gif", [], ["fish"], None, 0, None, "validation"),
    ]
    nearest = {"a": "b", "b": "a", "v1": "a", "v2": "a"}
    run.facts.rows_out["catalog"] = run.tables.write(
        CATALOG,
        spark.createDataFrame(gifs, GIFS).selectExpr(
            "*", "cast(null as string) uploader", "cast(array() as array<string>) renditions"
        ),
    )
    lists = [(gif_id, "imagenet", [neighbor], [0.5]) for gif_id, neighbor in nearest.items()]
    run.tables.write(NEIGHBORS, spark.createDataFrame(lists, LISTS))
    ballots = tabulate_tags(run)
    weigh_experts(run, ballots)
    (weight,) = [row.asDict() for row in run.tables.read(EXPERT_WEIGHTS).collect()]
    low, high = binomtest(1, 2).proportion_ci(method="wilson")
    assert weight == {
        "expert": "imagenet",
        "weight": 0.5,
        "weight_low": pytest.approx(low, abs=1e-6),
        "weight_high": pytest.approx(high, abs=1e-6),
        "weight_of_all": 0.5,
        "num_evaluated": 2,
        "num_correct": 1,
        "weight_on_new_tags": 0.5,
        "weight_on_new_tags_low": pytest.approx(low, abs=1e-6),
        "weight_on_new_tags_high": pytest.approx(high, abs=1e-6),
        "num_lacking": 2,
        "evaluated_on": "validation",
    }
    assert run.facts.inputs.notes["experts_evaluated_on"] == "validation"
    vote_tags(run, ballots, learn_to_score(run, ballots))
    voted = run.tables.read(VOTED_TAGS).orderBy("gif_id", "tag").collect()
    assert [(row["gif_id"], row["tag"], round(row["confidence"], 4), row["source"]) for row in voted] == [
        ("a", "cat", 0.7, "unconfirmed"),
        ("a", "dog", 1.0, "voted"),
        ("b", "cat", 1.0, "voted"),
        ("b", "dog", 0.7, "unconfirmed"),
        ("v1", "cat", 1.0, "editorial"),
        ("v2", "fish", 1.0, "editorial"),
    ]
    assert run.facts.rows_out["votes"] == 6
