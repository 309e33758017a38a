"""The stage of related tags, GIFs and searches, and its measure on sessions that it has not seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config.file import load_config
from autotag_core.errors import InputError
from autotag_core.experts import TagSpace
from autotag_core.related import related_gifs, related_searches, related_tags
from autotag_core.tables import CATALOG, NEIGHBORS, SEARCH_DOCUMENTS, VOTED_TAGS
from jobs.evaluation.evaluate_related import evaluate_related
from jobs.process.progress import Progress
from jobs.related.relate_tags import relate_gifs, relate_searches, relate_tags
from jobs.release.print_summary import _related_line
from jobs.run.run import Run
from jobs.search.build_documents import build_search_documents

GIFS = (
    "gif_id string, uri string, tags array<string>, editorial_tags array<string>, caption string, popularity bigint, "
    "version string, split string"
)
VOTED = (
    "gif_id string, tag string, confidence float, source string, published_score float, score float, "
    "probability float, accepted boolean, votes map<string,int>, evidence array<string>, "
    "reasons map<string,float>"
)
SMALL = ["experts=[semantic]", "semantic.vector_size=2", "semantic.min_count=1", "semantic.num_iterations=2"]
SPACE = TagSpace(
    ("gif:a", "gif:b", "gif:gone", "tag:cat", "tag:dog", "tag:kitty", "tag:rare"),
    np.array([[1, 0], [1, 1], [1, 0.1], [1, 0], [0, 1], [2, 0.5], [1, 0]], np.float32),
    np.ones(7),
)


def new_run(spark: SparkSession, folder: Path, *settings: str) -> Run:
    log: Any = structlog.get_logger()
    config = load_config(None, [*SMALL, *settings])
    config = config.model_copy(update={"related": config.related.model_copy(update={"min_tag_gifs": 2})})
    run = Run(spark, config, str(folder / "warehouse"), log, Progress(spark.sparkContext, is_terminal=False))
    tags = {"a": ["cat", "dog"], "b": ["kitty", "cat", "rare"], "c": ["dog", "kitty"], "new": []}
    gifs = [(gif_id, f"{gif_id}.gif", tags[gif_id], [], None, 0, None, "train") for gif_id in tags]
    run.facts.rows_out["catalog"] = run.tables.write(
        CATALOG,
        spark.createDataFrame(gifs, GIFS)
        .selectExpr("*", "cast(null as string) uploader", "cast(array() as array<string>) renditions")
        .coalesce(1),
    )
    return run


def test_a_release_holds_what_is_related_and_documents_show_it(spark: SparkSession, tmp_path: Path) -> None:
    searches = ["Cake", "cake ", "birthday", "birthday", "cake"]
    lines = [json.dumps({"session_id": f"s{number}", "queries": searches}) for number in range(3)]
    (tmp_path / "searches.jsonl").write_text("\n".join([*lines, '{"session_id": "wrong"}']))
    run = new_run(spark, tmp_path, f"semantic.search_sessions={tmp_path}/searches.jsonl")
    neighbors = [("c", "semantic", ["b", "a"], [0.25, 0.5]), ("a", "semantic", ["b"], [0.0]), ("b", "semantic", [], [])]
    neighbors += [("new", "imagenet", ["a"], [0.0])]
    run.tables.write(
        NEIGHBORS,
        spark.createDataFrame(
            neighbors, "gif_id string, expert string, neighbor_ids array<string>, distances array<float>"
        ),
    )
    relate_tags(run, SPACE)
    relate_gifs(run, SPACE)
    relate_searches(run, f"{tmp_path}/searches.jsonl")
    warehouse.append_run(run.warehouse, run.to_record(warehouse.PUBLISHED))
    tags = related_tags(run.warehouse, "cat")
    assert (tags.names, tags.similarities[1]) == (["kitty", "dog"], pytest.approx(0, abs=1e-6))
    found = {gif_id: related_gifs(run.warehouse, gif_id) for gif_id in ("a", "b", "c")}
    assert {gif_id: (row.names, row.source) for gif_id, row in found.items()} == {
        "a": (["b"], "sessions"),
        "b": (["a"], "sessions"),
        "c": (["b", "a"], "tags"),
    }
    assert related_searches(run.warehouse, "CAKE").names == ["birthday"]
    assert run.facts.inputs.notes["search_sessions_skipped"] == "1"
    assert _related_line(run) == "Related: 3 tags, 3 GIFs (2 from sessions), 2 searches"
    run.tables.write(VOTED_TAGS, spark.createDataFrame([], VOTED))
    build_search_documents(run)
    documents = {row.gif_id: row.related_gifs for row in run.tables.read(SEARCH_DOCUMENTS).collect()}
    assert documents == {"a": ["b"], "b": ["a"], "c": ["b", "a"], "new": []}


def test_held_out_sessions_are_foretold_from_the_others(spark: SparkSession, tmp_path: Path) -> None:
    run = new_run(spark, tmp_path, "semantic.min_gif_count=1", "neighbors.backend=exact")
    warehouse.append_run(run.warehouse, run.to_record(warehouse.PUBLISHED))
    release = warehouse.current_release(run.warehouse)
    sessions = tmp_path / "sessions.jsonl"
    rows = [{"session_id": f"s{number}", "gif_ids": ["a", "b"] if number % 2 else ["b", "c"]} for number in range(40)]
    sessions.write_text("\n".join(map(json.dumps, rows)))
    found = evaluate_related(spark, run.warehouse, release, str(sessions), 0.25, 2)
    assert (found.num_training_sessions + found.num_held_out_sessions, found.k) == (40, 2)
    assert found.num_views == found.num_held_out_sessions >= 4
    assert found.hit_rate("co-occurrence") == found.hit_rate("popularity") == 1.0
    assert found.methods["from tags"].views == 0 and found.methods["from sessions"].views == found.num_views
    assert not list((tmp_path / "warehouse" / "_evaluation").iterdir())
    sessions.write_text(json.dumps({"session_id": "s", "gif_ids": ["a"]}))
    with pytest.raises(InputError, match="there must be some of both"):
        evaluate_related(spark, run.warehouse, release, str(sessions), 0.25, 2)
