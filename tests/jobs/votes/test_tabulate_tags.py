"""A run whose GIFs have vectors: its judge hears how GIFs with a tag look, and so does whoever votes it anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import structlog
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config.file import load_config
from autotag_core.evaluation.truth import TRUTH
from autotag_core.tables import CATALOG, EMBEDDINGS, NEIGHBORS, VOTED_TAGS
from autotag_core.votes.judge.learned import LIKENESS
from jobs.evaluation.compare_votes import ablate_experts, judge_split
from jobs.process.progress import Progress
from jobs.run.run import Run
from jobs.votes.fit_judge import learn_to_score
from jobs.votes.tabulate_tags import tabulate_tags
from jobs.votes.vote_tags import vote_tags
from jobs.votes.weigh_experts import weigh_experts

NUM_GIFS, NUM_TRAIN, WIDTH = 170, 130, 16
TAGS = ["cat", "dog", "owl", "fox"]
SCHEMA = (
    "gif_id string, uri string, tags array<string>, editorial_tags array<string>, caption string, popularity bigint, "
    "version string, uploader string, renditions array<string>, split string"
)


def test_a_night_hears_how_gifs_with_a_tag_look_and_so_does_who_votes_it_anew(
    spark: SparkSession, tmp_path: Path
) -> None:
    log: Any = structlog.get_logger()
    config = load_config(None, ["vote.min_evaluation_gifs=5", "vote.neighbors=5", "neighbors.k=5"])
    run = Run(spark, config, str(tmp_path), log, Progress(spark.sparkContext, is_terminal=False))
    rng = np.random.default_rng(4)
    kinds = rng.integers(0, len(TAGS), NUM_GIFS)
    vectors = rng.normal(size=(NUM_GIFS, WIDTH)) + 2 * np.eye(WIDTH)[kinds]
    ids = [f"g{number:03}" for number in range(NUM_GIFS)]
    gifs: list[Any] = []
    truth: list[Any] = []
    for number, (gif_id, kind) in enumerate(zip(ids, kinds, strict=True)):
        is_train = number < NUM_TRAIN
        said = [] if number % 3 == 0 else [TAGS[(kind + (number % 10 == 1)) % 4]]
        true = [TAGS[kind], "animal"]
        gifs.append((gif_id, f"{gif_id}.gif", said, [] if is_train else true, None, 0, None, None, []))
        gifs[-1] += ("train" if is_train else "validation",)
        truth.append({"gif_id": gif_id, "tags": true, "factors": []})
    run.facts.rows_out["catalog"] = run.tables.write(CATALOG, spark.createDataFrame(gifs, SCHEMA))
    rows = [(gif_id, "imagenet", vector.tolist(), "m", None) for gif_id, vector in zip(ids, vectors, strict=True)]
    columns = "gif_id string, expert string, embedding array<float>, model_version string, version string"
    run.tables.write(EMBEDDINGS, spark.createDataFrame(rows, columns))
    lists = []
    for number, gif_id in enumerate(ids):
        for expert, near in (("imagenet", rng.permutation(NUM_TRAIN)), ("text", np.arange(number, number + 9))):
            found = [ids[other % NUM_TRAIN] for other in near if other % NUM_TRAIN != number][:5]
            lists.append((gif_id, expert, found, [0.1 * place for place in range(5)]))
    columns = "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"
    run.tables.write(NEIGHBORS, spark.createDataFrame(lists, columns))
    ballots = tabulate_tags(run)
    weigh_experts(run, ballots)
    vote_tags(run, ballots, learn_to_score(run, ballots))
    warehouse.append_run(run.warehouse, run.to_record(warehouse.PUBLISHED))

    record = warehouse.current_release(str(tmp_path))
    voted: list[Any] = warehouse.read_table(str(tmp_path), VOTED_TAGS.name, record).to_pylist()
    new = [row for row in voted if row["source"] in ("voted", "proposed") and row["gif_id"] < ids[NUM_TRAIN]]
    right = [TAGS[kinds[int(row["gif_id"][1:])]] == row["tag"] for row in new]
    moved = np.array([dict(row["reasons"])[LIKENESS] for row in new])
    assert np.median(moved[right]) > 0.5, "their neighbors are drawn at random"
    assert np.median(moved[~np.array(right)]) < 0
    known = pa.Table.from_pylist(truth, TRUTH)
    scores = {(row["gif_id"], row["tag"]): row["score"] for row in voted}
    for row in judge_split(str(tmp_path), record, known, "train").to_pylist():
        assert row["score"] == pytest.approx(scores[row["gif_id"], row["tag"]], abs=1e-6)
    ablated = ablate_experts(str(tmp_path), record, known, num_resamples=20)
    seeing, blind = (ablated["learned"].evaluations[name].overall.added_at_1 for name in ("all", "without looks"))
    assert seeing is not None and blind is not None and seeing > blind + 0.2
    assert "without looks" not in ablated["published"].evaluations
