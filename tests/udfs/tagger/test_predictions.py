"""Features in, rows of predictions out: what has a row, in any partitioning, from means and from frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from autotag_core.config import Config
from autotag_core.experts import pack_features
from autotag_core.tables import PREDICTIONS, check_columns
from autotag_core.tagger.experiment import Aggregator, Experiment
from autotag_core.tagger.many_predictions import TOP
from autotag_core.tagger.tagger_head import TaggerHead
from autotag_core.tagger.tagger_model import TaggerModel, TaggerRecord
from udfs.tagger.predictions import frames_of, means_of, predict_tags

LABELS = tuple(f"t{number}" for number in range(8))
NEVER, ALWAYS = 2.0, 0.0


def model(aggregator: Aggregator) -> TaggerModel:
    """A tagger of drawn weights that accepts its last label always, and no other one ever."""
    experiment = Experiment(aggregator=aggregator)
    torch.manual_seed(3)
    head = TaggerHead(4, len(LABELS), experiment)
    torch.nn.init.normal_(head.classes.weight)
    record = TaggerRecord(
        labels=LABELS, thresholds=(*[NEVER] * 7, ALWAYS), temperature=1.5, dimension=4, experiment=experiment,
        config=Config().model_dump_json(), model_version="b-1", run_id="r",
    )  # fmt: skip
    return TaggerModel(record, head.eval(), "0" * 64, None, "run-00000000")


def features(number: int) -> np.ndarray:
    """One to five frames of four numbers, as float16 has them."""
    return np.random.default_rng(number).normal(size=(1 + number % 5, 4)).astype(np.float16)


def told(tagger: TaggerModel, given: np.ndarray) -> dict[str, tuple[float, bool]]:
    """By tag what the table shall say of a GIF: the TOP likeliest and the label that is always accepted."""
    chances = tagger.probabilities(given[None].astype(np.float32), np.ones((1, len(given)), bool))[0]
    kept = [*np.argsort(-chances)[:TOP], 7]
    return {LABELS[at]: (pytest.approx(float(chances[at]), abs=1e-5), bool(at == 7)) for at in kept}


@pytest.mark.parametrize("aggregator", ["mean_features", "gru"])
def test_each_gif_has_its_likeliest_tags_and_all_accepted_ones(spark: SparkSession, aggregator: Aggregator) -> None:
    tagger, numbers = model(aggregator), range(23)
    if aggregator == "gru":
        rows = [(f"g{i}", f"v{i}", len(features(i)), bytearray(pack_features(features(i)))) for i in numbers]
        unread = ("unread", None, None, None)
        schema = "gif_id string, version string, num_sampled int, frame_features binary"
        features_df = frames_of(spark.createDataFrame([*rows, unread], schema))
        wanted = {f"g{i}": told(tagger, features(i)) for i in numbers}
    else:
        means = {f"g{i}": features(i).mean(axis=0, dtype=np.float64).astype(np.float32) for i in numbers}
        rows = [(name, "imagenet", f"v{name[1:]}", mean.tolist()) for name, mean in means.items()]
        other = ("g0", "temporal", "v0", [1.0, 0.0])
        schema = "gif_id string, expert string, version string, embedding array<float>"
        features_df = means_of(spark.createDataFrame([*rows, other], schema))
        wanted = {name: told(tagger, mean[None]) for name, mean in means.items()}
    rows_df = predict_tags(features_df.repartition(3), tagger)
    check_columns(PREDICTIONS, to_arrow_schema(rows_df.schema))
    found: dict[str, dict[str, tuple[float, bool]]] = {}
    for row in rows_df.collect():
        assert (row["model"], row["version"]) == ("run-00000000", f"v{row['gif_id'][1:]}")
        found.setdefault(row["gif_id"], {})[row["tag"]] = (row["probability"], row["accepted"])
    assert found == wanted
