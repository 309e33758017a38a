"""A catalog's predictions: as those of its files one by one, and GIFs that are the same are not looked at again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from autotag_core.errors import InputError
from autotag_core.tables import PREDICTIONS
from autotag_core.tagger.experiment import Aggregator, Experiment
from autotag_core.tagger.tagger_data import no_progress
from autotag_core.tagger.tagger_model import load_tagger
from autotag_core.warehouse.own_tables import read_newest
from jobs.tagger.predict_catalog import predict_catalog
from jobs.tagger.predict_files import files_of, open_predictor, predict_files
from jobs.tagger.train_tagger import TrainRequest, train_tagger


@pytest.fixture(params=["mean_features", "gru"])
def tagger(request: pytest.FixtureRequest, small_release: str) -> str:
    """The run folder of a tagger trained on the small release."""
    aggregator: Aggregator = request.param
    experiment = Experiment(max_epochs=8, min_examples=3, aggregator=aggregator)
    return train_tagger(TrainRequest(small_release, None, experiment), no_progress).uri


def write_catalog(folder: Path, *gif_ids: str) -> str:
    rows = [{"gif_id": gif_id, "uri": f"{gif_id}.gif", "tags": []} for gif_id in gif_ids]
    (folder / "catalog.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(folder / "catalog.jsonl")


def rows_of(warehouse: str) -> list[dict[str, Any]]:
    found = read_newest(warehouse, PREDICTIONS)
    assert found is not None
    return found[0].sort_by([("gif_id", "ascending"), ("probability", "descending")]).to_pylist()


def test_the_table_says_of_each_gif_what_is_said_of_its_file(
    spark: SparkSession, small_release: str, tagger: str
) -> None:
    gifs, model = Path(small_release).parent / "gifs", load_tagger(tagger)
    catalog = write_catalog(gifs, "g003", "g004", "g005", "absent", "g006")
    found = predict_catalog(spark, catalog, small_release, model)
    assert (found.num_predicted, found.num_kept, found.num_failed, found.model) == (4, 0, 1, model.name)
    assert found.failures.startswith("1 x not_found, such as `")
    predictor, _ = open_predictor(tagger, None, 1)
    names = [str(gifs / f"g00{number}.gif") for number in (3, 4, 5, 6)]
    said = {
        Path(one.uri).stem: {tag.tag: (pytest.approx(tag.probability, abs=2e-3), tag.accepted) for tag in one.tags}
        for one in predict_files(predictor, files_of(names), 5, keep_pictures=False)
    }
    told: dict[str, Any] = {}
    for row in rows_of(small_release):
        told.setdefault(row["gif_id"], {})[row["tag"]] = (row["probability"], row["accepted"])
    assert {
        gif: {tag: chance for tag, chance in tags.items() if tag in said[gif]} for gif, tags in told.items()
    } == said


def test_a_second_time_only_new_and_changed_gifs_are_looked_at(
    spark: SparkSession, small_release: str, tagger: str
) -> None:
    gifs, model = Path(small_release).parent / "gifs", load_tagger(tagger)
    predict_catalog(spark, write_catalog(gifs, "g003", "g004", "g005", "g006"), small_release, model)
    before = rows_of(small_release)
    kept = gifs / "g004.gif"
    data = kept.read_bytes()
    try:
        kept.write_bytes((gifs / "g009.gif").read_bytes())
        found = predict_catalog(spark, write_catalog(gifs, "g003", "g004", "g005", "g007"), small_release, model)
    finally:
        kept.write_bytes(data)
    assert (found.num_predicted, found.num_kept, found.num_failed) == (4, 2, 0)
    after = rows_of(small_release)
    assert {row["gif_id"] for row in after} == {"g003", "g004", "g005", "g007"}
    for gif_id in ("g003", "g005"):
        assert [row for row in after if row["gif_id"] == gif_id] == [row for row in before if row["gif_id"] == gif_id]
    (new,) = {row["version"] for row in after if row["gif_id"] == "g004"}
    assert new not in {row["version"] for row in before}
    (gifs / "catalog.jsonl").write_text('{"uri": "g003.gif"}\n')
    with pytest.raises(InputError, match="not one usable row: 1 x missing_gif_id"):
        predict_catalog(spark, str(gifs / "catalog.jsonl"), small_release, model)
    assert rows_of(small_release) == after
