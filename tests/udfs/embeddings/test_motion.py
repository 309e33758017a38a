"""A head trained in one task and embeddings of staged features: the same for any partitioning, and who abstains."""

from __future__ import annotations

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from autotag_core import storage
from autotag_core.config import Config, TemporalConfig
from autotag_core.errors import NotTrainedError
from autotag_core.experts import RelationHead, load_head, pack_features
from autotag_core.tables import EMBEDDINGS, check_columns
from udfs.embeddings import motion as temporal

FRAMES = "gif_id string, version string, num_sampled int, frame_features binary"
GIFS = "gif_id string, tags array<string>, split string"
CONFIG = Config(temporal=TemporalConfig(num_segments=3).model_copy(update={"bottleneck": 4, "projection": 3}))
NUM_TRAIN, NUM_VALIDATION = 60, 20


def features(number: int) -> np.ndarray:
    """Two to six frames of four numbers."""
    return np.random.default_rng(number).normal(size=(2 + number % 5, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def frames_df(spark: SparkSession) -> DataFrame:
    """80 GIFs, one of a single frame, one of two equal frames and one that could not be read."""
    rows = [
        (f"g{number:03d}", f"v{number}", len(features(number)), pack_features(features(number)))
        for number in range(NUM_TRAIN + NUM_VALIDATION)
    ]
    still = np.ones((2, 4), np.float32)
    rows += [("single", "v", 1, pack_features(still[:1])), ("still", "v", 2, pack_features(still))]
    return spark.createDataFrame([*rows, ("unread", None, None, None)], FRAMES)


@pytest.fixture(scope="module")
def gifs_df(spark: SparkSession, frames_df: DataFrame) -> DataFrame:
    rows = []
    for number in range(NUM_TRAIN + NUM_VALIDATION):
        split = "train" if number < NUM_TRAIN else "validation"
        rows.append((f"g{number:03d}", [f"t{number % 3}"] if number else None, split))
    return spark.createDataFrame([*rows, ("single", ["t0"], "train"), ("unread", ["t0"], "train")], GIFS)


@pytest.fixture(scope="module")
def data(frames_df: DataFrame, gifs_df: DataFrame) -> bytes:
    return temporal.train_head(frames_df.repartition(3), gifs_df, CONFIG, "b-1")


@pytest.fixture
def head(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> RelationHead:
    uri = str(tmp_path_factory.mktemp("head") / "head.safetensors")
    storage.write_bytes(uri, data)
    return load_head(uri)


def test_the_head_is_trained_on_the_train_split_and_stopped_by_validation(head: RelationHead) -> None:
    assert (head.record.metrics["num_gifs"], head.record.metrics["num_watched"]) == (NUM_TRAIN, NUM_VALIDATION)
    assert (head.record.tags, head.record.backbone_version) == (("t0", "t1", "t2"), "b-1")
    assert head.input_dim == 4


def test_the_same_gifs_give_the_same_head_however_they_lie(
    data: bytes, frames_df: DataFrame, gifs_df: DataFrame
) -> None:
    backwards_df = frames_df.coalesce(1).orderBy("version", ascending=False)
    assert temporal.train_head(backwards_df, gifs_df, CONFIG, "b-1") == data


def test_too_many_gifs_are_sampled_and_too_few_are_said(frames_df: DataFrame, gifs_df: DataFrame) -> None:
    few = CONFIG.model_copy(update={"temporal": CONFIG.temporal.model_copy(update={"max_training_gifs": 30})})
    with pytest.raises(NotTrainedError, match=r"^\d+ train GIFs in which something changes, 50 are needed$") as error:
        temporal.train_head(frames_df, gifs_df, few, "b-1")
    assert 10 < int(str(error.value).split()[0]) < 30, "of both splits"
    with pytest.raises(NotTrainedError, match=r"^no train or validation GIF has frame features$"):
        temporal.train_head(frames_df.where("false"), gifs_df, CONFIG, "b-1")


def test_every_gif_in_which_something_changes_is_embedded_by_the_head(frames_df: DataFrame, head: RelationHead) -> None:
    rows_df = temporal.embed_relations(frames_df.repartition(3), head)
    check_columns(EMBEDDINGS, to_arrow_schema(rows_df.schema))
    rows = {row["gif_id"]: row for row in rows_df.collect()}
    assert set(rows) == {f"g{number:03d}" for number in range(NUM_TRAIN + NUM_VALIDATION)}
    for number in (0, 7, 79):
        row = rows[f"g{number:03d}"]
        assert (row["expert"], row["version"], row["model_version"]) == ("temporal", f"v{number}", head.version)
        wanted = head.embed(features(number).astype(np.float16))
        assert wanted is not None and np.array(row["embedding"], np.float32).tobytes() == wanted.tobytes()
