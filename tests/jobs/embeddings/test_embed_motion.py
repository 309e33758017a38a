"""The temporal stage: a head is trained once, saved whole, used again, and every run says which one it used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import structlog
from pyspark.sql import SparkSession

from autotag_core.config.file import load_config
from autotag_core.experts import load_head, pack_features, trained_head_name
from autotag_core.tables import CATALOG, EMBEDDINGS
from jobs.embeddings.embed_frames import SeenGifs
from jobs.embeddings.embed_motion import train_temporal
from jobs.process.progress import Progress
from jobs.run.run import Run

FRAMES = "gif_id string, version string, num_sampled int, frame_features binary"
GIFS = (
    "gif_id string, uri string, tags array<string>, editorial_tags array<string>, caption string, popularity bigint, "
    "version string, split string"
)
SMALL = ["experts=[temporal]", "temporal.num_segments=3"]


def new_run(spark: SparkSession, warehouse: Path, num_gifs: int, *settings: str) -> tuple[Run, SeenGifs]:
    """A run, and the features that it has staged of so many GIFs: three frames of four numbers each."""
    log: Any = structlog.get_logger()
    config = load_config(None, [*SMALL, *settings])
    run = Run(spark, config, str(warehouse), log, Progress(spark.sparkContext, is_terminal=False))
    ids = [f"g{number:03d}" for number in range(num_gifs)]
    random = np.random.default_rng(5)
    data = [pack_features(random.normal(size=(3, 4)).astype(np.float32)) for _ in ids]
    frames_df = spark.createDataFrame([(ids[i], "v1", 3, data[i]) for i in range(num_gifs)], FRAMES)
    outcomes_df, run.facts.rows_out["frames"] = run.staging.write("frames", frames_df.coalesce(1))
    gifs = [(ids[i], f"{ids[i]}.gif", [f"t{i % 3}"], [], None, 0, None, "train") for i in range(num_gifs)]
    gifs_df = spark.createDataFrame(gifs, GIFS).selectExpr(
        "*", "cast(null as string) uploader", "cast(array() as array<string>) renditions"
    )
    run.tables.write(CATALOG, gifs_df.coalesce(1))
    return run, SeenGifs(outcomes_df, None, 0)


def versions(run: Run) -> set[str]:
    return {row["model_version"] for row in run.tables.read(EMBEDDINGS).collect()}


def saved_heads(warehouse: Path) -> list[Path]:
    return sorted((warehouse / "models").glob("*.safetensors"))


def test_a_head_is_trained_by_the_first_run_and_used_again_by_the_next(spark: SparkSession, tmp_path: Path) -> None:
    first, seen = new_run(spark, tmp_path, 60)
    train_temporal(first, seen)
    (path,) = saved_heads(tmp_path)
    head = load_head(str(path))
    said = {"temporal": "trained", "temporal_head": str(path), "temporal_version": head.version}
    assert first.facts.inputs.to_map() == said
    assert (first.facts.rows_in["temporal"], first.facts.rows_out["temporal"]) == (60, 60)
    assert versions(first) == {head.version}
    pointer = trained_head_name(first.config).replace(".safetensors", ".current")
    assert {file.name for file in path.parent.iterdir()} == {path.name, pointer}, "no half-written file beside them"

    written = path.stat().st_mtime_ns
    second, seen = new_run(spark, tmp_path, 10)  # too few to train on: what it embeds with was saved
    train_temporal(second, seen)
    assert second.facts.inputs.to_map() == said | {"temporal": "reused"}
    assert (second.facts.rows_out["temporal"], versions(second)) == (10, {head.version})
    assert path.stat().st_mtime_ns == written

    third, seen = new_run(spark, tmp_path, 10, f"temporal.weights={path}")
    train_temporal(third, seen)
    assert third.facts.inputs.to_map() == said | {"temporal": "given"}


def test_a_head_that_is_trained_again_replaces_none_that_an_earlier_run_names(
    spark: SparkSession, tmp_path: Path
) -> None:
    first, seen = new_run(spark, tmp_path, 60)
    train_temporal(first, seen)
    again, seen = new_run(spark, tmp_path, 55, "temporal.retrain=true")
    train_temporal(again, seen)
    heads = {run.facts.inputs.notes["temporal_head"]: run.facts.inputs.versions["temporal"] for run in (first, again)}
    assert len(heads) == 2
    assert {uri: load_head(uri).version for uri in heads} == heads
    last, seen = new_run(spark, tmp_path, 10)
    train_temporal(last, seen)
    assert last.facts.inputs.to_map() == again.facts.inputs.to_map() | {"temporal": "reused"}


def test_a_head_that_the_catalog_has_outgrown_is_used_and_the_run_says_so(spark: SparkSession, tmp_path: Path) -> None:
    first, seen = new_run(spark, tmp_path, 60)
    train_temporal(first, seen)
    learned = int(load_head(first.facts.inputs.notes["temporal_head"]).record.metrics["num_gifs"])
    outgrown = f"reused, though trained on {learned} of now {4 * learned} GIFs"
    for num_gifs, said in ((4 * learned - 1, "reused"), (4 * learned, outgrown)):
        run, seen = new_run(spark, tmp_path, num_gifs)
        train_temporal(run, seen)
        assert run.facts.inputs.notes["temporal"] == said


def test_with_too_few_gifs_the_expert_abstains_and_the_run_says_why(spark: SparkSession, tmp_path: Path) -> None:
    run, seen = new_run(spark, tmp_path, 49)
    train_temporal(run, seen)
    message = "not trained: 49 train GIFs in which something changes, 50 are needed"
    assert run.facts.inputs.to_map() == {"temporal": message, "temporal_version": "not trained"}
    assert run.facts.rows_out["temporal"] == 0 and not run.tables.has(EMBEDDINGS)
    assert not (tmp_path / "models").exists()


def test_a_run_that_ends_early_leaves_no_head(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, seen = new_run(spark, tmp_path, 60)
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        train_temporal(run, seen)
    assert list((tmp_path / "models").iterdir()) == []
