"""A small release voted anew: 40 train, 10 validation and 6 test GIFs of cats and dogs, two of them copies."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
import structlog
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config.file import load_config
from autotag_core.evaluation import evaluate, reliability
from autotag_core.evaluation.truth import TRUTH
from autotag_core.tables import CATALOG, DUPLICATES, NEIGHBORS, VOTED_TAGS
from jobs.evaluation.compare_votes import (
    ablate_experts,
    ablations_as_json,
    ablations_as_text,
    compare_rules,
    judge_split,
)
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
SETTINGS = [
    "duplicates.count_once=true",
    "vote.min_evaluation_gifs=5",
    "neighbors.k=6",
    "vote.neighbors=4",
    "vote.target_precision=0.6",
]


@dataclass(frozen=True)
class Made:
    uri: str
    run: Run
    record: warehouse.RunRecord
    truth: pa.Table


def gif(number: int) -> tuple[str, list[str], list[str], str]:
    """gif_id, uploader's tags, true tags and split: every third uploader forgets the animal, every fifth is wrong."""
    animal, other = ("cat", "dog") if number % 2 else ("dog", "cat")
    said = [] if number % 3 == 0 else [animal]
    said += [other] if number % 5 == 0 else []
    said += ["whisekrs"] if number == 1 else ["whiskers"] if number % 2 and number < 12 else []
    split = "train" if number < 40 else "validation" if number < 50 else "test"
    return f"g{number:02}", said, [animal, "pet", *(["whiskers"] if number % 2 and number < 12 else [])], split


@pytest.fixture(scope="module")
def made(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("compare")
    log: Any = structlog.get_logger()
    config = load_config(None, SETTINGS)
    run = Run(spark, config, str(folder), log, Progress(spark.sparkContext, is_terminal=False))
    gifs = [gif(number) for number in range(56)]
    rows = [
        (gif_id, f"{gif_id}.gif", said, true if split == "validation" else [], None, 0, None, split)
        for gif_id, said, true, split in gifs
    ]
    run.facts.rows_out["catalog"] = run.tables.write(
        CATALOG,
        spark.createDataFrame(rows, GIFS).selectExpr(
            "*", "cast(null as string) uploader", "cast(array() as array<string>) renditions"
        ),
    )
    lists = []
    for number in range(56):  # `imagenet` finds the same animal, `text` whoever comes next
        for expert, step in (("imagenet", 2), ("text", 1)):
            ids = [f"g{(number + step * place) % 40:02}" for place in range(1, 8)]
            near = [one for one in ids if one != f"g{number:02}"][:6]
            lists.append((f"g{number:02}", expert, near, [0.01 * place for place in range(len(near))]))
    run.tables.write(NEIGHBORS, spark.createDataFrame(lists, LISTS))
    run.tables.write(
        DUPLICATES,
        spark.createDataFrame(
            [("g01", "g01", 2), ("g03", "g01", 2)], "gif_id string, group_id string, group_size bigint"
        ),
    )
    ballots = tabulate_tags(run)
    weigh_experts(run, ballots)
    vote_tags(run, ballots, learn_to_score(run, ballots))
    warehouse.append_run(run.warehouse, run.to_record(warehouse.PUBLISHED))
    truth = [
        {"gif_id": gif_id, "tags": true, "factors": [{"factor": "shown", "tags": true}]} for gif_id, _, true, _ in gifs
    ]
    record = warehouse.current_release(str(folder))
    return Made(str(folder), run, record, pa.Table.from_pylist(truth, TRUTH))


def test_each_rule_voted_anew_is_what_the_release_has_and_copies_are_held_against_its_own_rule(made: Made) -> None:
    found = compare_rules(made.uri, made.record, made.truth, num_resamples=20)
    ways = ["copies count once, no flow", "every copy counts, tags flow", "every copy counts, no flow"]
    others = [f"learned, {way}" for way in ways]
    assert list(found.evaluations) == ["published", "reliability", "learned", *others]
    assert found.baselines == dict.fromkeys(["reliability", "learned"], "published") | dict.fromkeys(others, "learned")
    catalog = warehouse.read_table(made.uri, CATALOG.name, made.record, ["gif_id", "tags", "split"])
    voted = warehouse.read_table(made.uri, VOTED_TAGS.name, made.record)
    ours = evaluate(voted, catalog, made.truth).overall
    anew = found.evaluations["learned"].overall
    for name in ("precision_at_1", "added_at_1", "missing_recall_at_5", "auc"):
        assert getattr(anew, name) == pytest.approx(getattr(ours, name)), name
    assert (anew.wrong_demoted, anew.right_demoted, anew.confidence_auc) == (None, None, None)
    is_published = pa.array([source != "proposed" for source in voted["source"].to_pylist()])
    columns = ["gif_id", "tag", "published_score", "confidence"]
    dataset = voted.filter(is_published).select(columns).rename_columns(["gif_id", "tag", "score", "confidence"])
    theirs, published = evaluate(dataset, catalog, made.truth).overall, found.evaluations["published"].overall
    assert theirs.wrong_demoted is not None and theirs.wrong_demoted > 0
    for name in ("precision_at_1", "added_at_1", "auc", "confidence_auc", "wrong_demoted", "right_demoted"):
        assert getattr(published, name) == pytest.approx(getattr(theirs, name)), name


def test_an_ablation_has_every_expert_by_both_rules_and_each_measure_by_factor(made: Made) -> None:
    found = ablate_experts(made.uri, made.record, made.truth, num_resamples=20)
    assert list(found) == ["published", "learned"]
    assert next(iter(found["published"].evaluations)) == "all" and len(found["published"].evaluations) == 5
    assert "shown added@1" in ablations_as_text(found)
    factors = json.loads(ablations_as_json(found))["learned"]["variants"]["text alone"]["factors"]
    assert set(factors["shown"]) == {"precision_at_1", "added_at_1", "missing_recall_at_5"}


def test_test_gifs_are_judged_as_if_they_were_train_gifs_though_their_tags_stay_untouched(made: Made) -> None:
    judged = judge_split(made.uri, made.record, made.truth, "test")
    assert {row["gif_id"] for row in judged.to_pylist()} == {f"g{number}" for number in range(50, 56)}
    catalog = warehouse.read_table(made.uri, CATALOG.name, made.record, ["gif_id", "tags", "split"])
    overall = evaluate(judged, catalog, made.truth, "test").overall
    assert overall.num_gifs == 6 and overall.precision_at_1 is not None
    found = reliability(judged, catalog, made.truth, "test")
    assert found.num_tags > 6 and found.ece is not None and 0 <= found.ece <= 1
    again = judge_split(made.uri, made.record, made.truth, "train")
    voted = warehouse.read_table(made.uri, VOTED_TAGS.name, made.record)
    expected = {(row["gif_id"], row["tag"]): row for row in voted.to_pylist()}
    for row in again.to_pylist():
        one = expected[row["gif_id"], row["tag"]]
        assert row["score"] == pytest.approx(one["score"], abs=1e-6)
        assert row["probability"] == pytest.approx(one["probability"], abs=1e-6) and row["accepted"] == one["accepted"]
