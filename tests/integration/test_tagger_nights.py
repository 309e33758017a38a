"""Nights that ask the tagger: as for files alone, in one pass with the frames, and incremental like the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from autotag_core import warehouse
from autotag_core.config.file import load_config
from autotag_core.tagger.experiment import Aggregator, Experiment
from autotag_core.tagger.serving.choices import Choice, add_choice
from autotag_core.tagger.tagger_data import no_progress
from autotag_core.tagger.tagger_model import load_tagger
from autotag_core.warehouse import UNCHANGED
from jobs.nightly import Request, run_nightly
from jobs.run.run import Run
from jobs.tagger.predict_files import files_of, open_predictor, predict_files
from jobs.tagger.train_tagger import TrainRequest, train_tagger
from tests.core.tagger.small_release import write_small_release

pytestmark = pytest.mark.integration

SETTINGS = (
    "experts=[imagenet,temporal]",
    "neighbors.backend=exact",
    "neighbors.k=3",
    "vote.neighbors=3",
    "related.enabled=false",
    "training.enabled=false",
    "duplicates.enabled=false",
    "vote.rule=published",
    "gates.max_vanished_share=1",  # nights are of few of the release's GIFs
    "spark.partitions=2",
    "tagger.predict=true",
)


def catalog(folder: Path, numbers: range) -> str:
    rows = [{"gif_id": f"g{i:03d}", "uri": f"g{i:03d}.gif", "tags": ["red"], "version": "1"} for i in numbers]
    (folder / "catalog.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder / "catalog.jsonl")


def train(place: str, aggregator: Aggregator) -> str:
    experiment = Experiment(max_epochs=5, min_examples=3, aggregator=aggregator)
    return train_tagger(TrainRequest(place, "r1", experiment), no_progress).uri


def night(uri: str, place: str, *settings: str) -> Run:
    return run_nightly(Request(uri, place, load_config(None, [*SETTINGS, *settings])))


def rows_of(run: Run) -> dict[str, dict[str, Any]]:
    """Rows of predictions by GIF and tag, as the run published them."""
    release = warehouse.current_release(run.warehouse, run.run_id)
    found: dict[str, dict[str, Any]] = {}
    for row in warehouse.read_table(run.warehouse, "predictions", release).to_pylist():
        found.setdefault(row["gif_id"], {})[row["tag"]] = row
    return found


def check(run: Run, gifs: Path, model: str, num: int) -> None:
    """Each GIF has what the tagger says of its file."""
    found = rows_of(run)
    assert sorted(found) == [f"g{i:03d}" for i in range(num)]
    predictor, _ = open_predictor(model, None, 1)
    names = [str(gifs / f"{gif_id}.gif") for gif_id in sorted(found)]
    for said in predict_files(predictor, files_of(names), 5, keep_pictures=False):
        rows = found[Path(said.uri).stem]
        assert {tag.tag: rows[tag.tag]["probability"] for tag in said.tags} == pytest.approx(
            {tag.tag: tag.probability for tag in said.tags}, abs=2e-3
        )
        assert {row["model"] for row in rows.values()} == {load_tagger(model).name}


def test_nights_ask_the_newest_tagger_once_for_each_gif_and_count_choices(spark: SparkSession, tmp_path: Path) -> None:
    place, gifs = write_small_release(tmp_path / "small"), tmp_path / "small" / "gifs"
    over_frames = train(place, "gru")
    first = night(catalog(gifs, range(8)), place)
    assert first.facts.inputs.notes["tagger"] == over_frames
    check(first, gifs, over_frames, 8)

    second = night(catalog(gifs, range(10)), place)
    assert second.facts.inputs.notes["same_gifs"] == "8"
    check(second, gifs, over_frames, 10)
    assert rows_of(first).items() <= rows_of(second).items()

    over_means = train(place, "mean_features")
    (version,) = {row["version"] for row in rows_of(second)["g003"].values()}
    offered = {"green": 0.4, "red": 0.3}
    choice = Choice(gif=version, offered=offered, taken=("green",), refused=("red",), added=("mine",))
    add_choice(place, choice, "m")
    add_choice(place, choice.model_copy(update={"gif": "0" * 32, "gif_id": "g004"}), "m")
    changed = ("catalog.choices=true", "experts=[imagenet]")
    third = night(catalog(gifs, range(10)), place, *changed)
    assert third.facts.seconds.get("frames:decode", 0.0) == 0.0  # embeddings are all that this one needs
    check(third, gifs, over_means, 10)
    release = warehouse.current_release(place, third.run_id)
    assert third.facts.inputs.notes["choices"] == "2 were made, by uploaders of 2 GIFs of the catalog"
    tags = {row["gif_id"]: row["tags"] for row in warehouse.read_table(place, "catalog", release).to_pylist()}
    assert (tags["g003"], tags["g004"], tags["g005"]) == (["red", "green", "mine"], ["red", "green", "mine"], ["red"])
    chosen = warehouse.read_table(place, "chosen_tags", release).to_pylist()
    assert {row["gif_id"]: row["refused"] for row in chosen} == {"g003": ["red"], "g004": ["red"]}
    assert night(catalog(gifs, range(10)), place, *changed).facts.status == UNCHANGED
