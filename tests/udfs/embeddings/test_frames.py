"""The fused UDF: every GIF in comes out once, as an embedding or as a failure, with the same bits in any partition."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema

from autotag_core import storage
from autotag_core.config import Config, FramesConfig, ImagenetConfig, SparkConfig
from autotag_core.errors import InputError
from autotag_core.experts import l2_normalised, load_frame_models, unpack_features
from autotag_core.failures import Reason
from autotag_core.frames.guard import poison_of
from autotag_core.tables import EMBEDDINGS, FAILURES, MEDIA, check_columns
from tests.core.frames.videos.conftest import encode, pictures
from udfs.embeddings import frames as embeddings
from udfs.embeddings.frames import OUTCOMES

GIFS = "gif_id string, uri string, renditions array<string>"
NUM_GOOD = 6


@pytest.fixture(scope="module")
def catalog_df(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DataFrame:
    """Six animated GIFs of 1 to 6 frames, an empty file, a text and a missing file."""
    folder = tmp_path_factory.mktemp("gifs")
    random = np.random.default_rng(3)
    for i in range(NUM_GOOD):
        frames = [Image.fromarray(random.integers(0, 255, (40, 60, 3), np.uint8)) for _ in range(i + 1)]
        frames[0].save(folder / f"good{i}.gif", save_all=True, append_images=frames[1:], duration=100)
    (folder / "empty.gif").write_bytes(b"")
    (folder / "text.gif").write_text("not an image, whatever its name says")
    names = [*(f"good{i}" for i in range(NUM_GOOD)), "empty", "text", "missing"]
    return spark.createDataFrame([(name, str(folder / f"{name}.gif"), []) for name in names], GIFS)


@pytest.fixture(scope="module")
def outcomes_df(catalog_df: DataFrame) -> Iterator[DataFrame]:
    kept_df = embeddings.embed_frames(
        catalog_df, Config(experts=("imagenet",), spark=SparkConfig(partitions=2))
    ).persist()
    yield kept_df
    kept_df.unpersist()


def bits(rows_df: DataFrame) -> dict[str, Any]:
    rows = embeddings.embedding_rows(rows_df).collect()
    return {row.gif_id: (np.array(row.embedding, np.float32).tobytes(), row.model_version, row.version) for row in rows}


def test_each_gif_comes_out_once_whatever_happens_to_it(catalog_df: DataFrame, outcomes_df: DataFrame) -> None:
    rows = {row.gif_id: row for row in outcomes_df.collect()}
    assert outcomes_df.count() == catalog_df.count() == len(rows)
    assert {name: row.reason for name, row in rows.items()} == {
        **{f"good{i}": None for i in range(NUM_GOOD)},
        "empty": "empty_file",
        "text": "not_an_image",
        "missing": "not_found",
    }
    assert rows["missing"].version is None
    assert rows["missing"].embeddings == []


def test_media_rows_say_what_was_read(outcomes_df: DataFrame) -> None:
    rows = {row.gif_id: row for row in embeddings.media_rows(outcomes_df).collect()}
    assert set(rows) == {f"good{i}" for i in range(NUM_GOOD)}
    row = rows["good3"]
    assert (row.width, row.height, row.num_frames, row.num_sampled, row.duration_ms) == (60, 40, 4, 4, 400)


def test_busy_seconds_are_those_of_the_gifs_that_were_read(outcomes_df: DataFrame) -> None:
    rows = {row.gif_id: row.busy for row in outcomes_df.collect()}
    assert {name for name, busy in rows.items() if busy is not None} == {f"good{i}" for i in range(NUM_GOOD)}
    found = embeddings.busy_seconds(outcomes_df)
    assert found["text"] == 0, "nobody has read it"
    for part in ("fetch", "decode", "models"):
        assert found[part] == pytest.approx(sum(busy[part] for busy in rows.values() if busy))
        assert found[part] > 0


def test_embedding_rows_are_unit_vectors_that_name_model_and_bytes(outcomes_df: DataFrame) -> None:
    rows = embeddings.embedding_rows(outcomes_df).collect()
    assert {row.gif_id for row in rows} == {f"good{i}" for i in range(NUM_GOOD)}
    versions = {row.gif_id: row.version for row in embeddings.media_rows(outcomes_df).collect()}
    for row in rows:
        assert (row.expert, row.model_version) == ("imagenet", "efficientnet_lite0-579344248a93-onnxruntime-fp32")
        assert len(row.embedding) == 1280
        assert np.linalg.norm(row.embedding) == pytest.approx(1, abs=1e-6)
        assert row.version == versions[row.gif_id]


def test_failure_rows_name_stage_reason_and_what_was_seen(outcomes_df: DataFrame) -> None:
    rows = {row.gif_id: row for row in embeddings.failure_rows(outcomes_df).collect()}
    assert {name: (row.stage, row.reason) for name, row in rows.items()} == {
        "empty": ("frames", "empty_file"),
        "text": ("frames", "not_an_image"),
        "missing": ("frames", "not_found"),
    }
    assert all(row.message for row in rows.values())


def test_the_three_selections_have_exactly_the_columns_of_their_tables(outcomes_df: DataFrame) -> None:
    for table, rows_df in [
        (MEDIA, embeddings.media_rows(outcomes_df)),
        (EMBEDDINGS, embeddings.embedding_rows(outcomes_df)),
        (FAILURES, embeddings.failure_rows(outcomes_df)),
    ]:
        check_columns(table, to_arrow_schema(rows_df.schema))
        assert rows_df.columns == table.schema.names


def test_embeddings_are_the_same_bits_however_the_catalog_is_partitioned(
    catalog_df: DataFrame, outcomes_df: DataFrame
) -> None:
    again_df = embeddings.embed_frames(
        catalog_df.orderBy("uri", ascending=False), Config(spark=SparkConfig(partitions=1))
    )
    assert bits(again_df) == bits(outcomes_df)


def test_tasks_follow_from_rows_per_task_and_small_catalogs_are_cut_finer(catalog_df: DataFrame) -> None:
    context = catalog_df.sparkSession.sparkContext
    assert context.defaultParallelism == 2
    found = [embeddings._num_tasks(num_gifs, 200, context) for num_gifs in (0, 15, 40, 48, 400, 3_301)]
    assert found == [1, 1, 2, 4, 16, 18], "in whole rounds of the two cores"
    one, many = (
        embeddings.embed_frames(catalog_df, Config(spark=SparkConfig(gifs_per_partition=size))) for size in (500, 2)
    )
    assert one.rdd.getNumPartitions() == 1
    assert many.rdd.getNumPartitions() == 2 * -(-catalog_df.count() // 4)


def test_a_demanded_gpu_that_spark_does_not_assign_is_an_error_before_any_task(catalog_df: DataFrame) -> None:
    with pytest.raises(InputError, match=r"Spark assigned no GPU"):
        embeddings.embed_frames(catalog_df, Config(imagenet=ImagenetConfig(device="cuda")))


def test_without_experts_over_frames_media_and_failures_still_come_out(catalog_df: DataFrame) -> None:
    rows_df = embeddings.embed_frames(catalog_df, Config(experts=("semantic",), spark=SparkConfig(partitions=1)))
    assert embeddings.media_rows(rows_df).count() == NUM_GOOD
    assert embeddings.embedding_rows(rows_df).count() == 0


def test_one_task_answers_in_bounded_batches_in_the_order_it_was_asked(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.gif")
    ids = [f"{i:03d}" for i in range(150)]
    places = [[str(tmp_path / ("red.gif" if i % 50 == 0 else "missing.gif"))] for i in range(150)]
    columns = [(ids[i : i + 40], places[i : i + 40]) for i in range(0, 150, 40)]
    batches = [pa.record_batch(list(both), names=["gif_id", "places"]) for both in columns]
    out = list(embeddings.embed_batches(iter(batches), Config()))
    assert [batch.num_rows for batch in out] == [64, 64, 22]
    table = pa.Table.from_batches(out)
    assert table["gif_id"].to_pylist() == ids
    assert [i for i, reason in enumerate(table["reason"].to_pylist()) if reason is None] == [0, 50, 100]


def test_a_task_without_rows_loads_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[object] = []
    monkeypatch.setattr(embeddings, "load_frame_models", lambda *settings: loaded.append(settings))
    schema = pa.schema([("gif_id", pa.string()), ("places", pa.list_(pa.string()))])
    none = pa.RecordBatch.from_pylist([], schema)
    assert list(embeddings.embed_batches([none], Config())) == loaded == []


def test_frame_features_come_out_only_for_an_expert_that_relates_them(
    catalog_df: DataFrame, outcomes_df: DataFrame
) -> None:
    config = Config(experts=("temporal", "imagenet"), spark=SparkConfig(partitions=1))
    found_df = embeddings.embed_frames(catalog_df.where("gif_id in ('good0', 'good3', 'text')"), config).persist()
    rows = {row.gif_id: row for row in found_df.collect()}
    assert bits(found_df).items() <= bits(outcomes_df).items(), "imagenet's own embedding does not change"
    for name, num_frames in (("good0", 1), ("good3", 4)):
        features = unpack_features(rows[name].frame_features, rows[name].num_sampled)
        assert features.shape == (num_frames, 1280)
        (embedding,) = rows[name].embeddings
        mean = l2_normalised(features.astype(np.float32).mean(axis=0))
        np.testing.assert_allclose(mean, embedding.embedding, atol=1e-3)
    assert rows["text"].frame_features is None
    assert outcomes_df.where("frame_features is not null").count() == 0
    found_df.unpersist()


def failures_of(batches: Iterator[pa.RecordBatch], spark: SparkSession) -> dict[str, Row]:
    outcomes_df = spark.createDataFrame(pa.Table.from_batches(list(batches)).to_pylist(), from_arrow_schema(OUTCOMES))
    return {row.gif_id: row for row in embeddings.failure_rows(outcomes_df).collect()}


def test_gifs_outside_of_the_configured_limits_become_failures(
    catalog_df: DataFrame, reasons: frozenset[Reason]
) -> None:
    limits = FramesConfig(min_frames=2, min_duration_ms=250, max_duration_ms=500)
    config = Config(experts=("semantic",), frames=limits, spark=SparkConfig(partitions=1))
    found_df = embeddings.embed_frames(catalog_df.where("gif_id like 'good%'"), config).persist()
    rows = {row.gif_id: row for row in embeddings.failure_rows(found_df).collect()}
    assert {gif_id: row.reason for gif_id, row in rows.items()} == {
        "good0": "too_few_frames",
        "good1": "too_short",  # 2 x 100 ms
        "good5": "too_long",
    }
    assert {row.reason for row in rows.values()} == reasons
    assert {row.stage for row in rows.values()} == {"frames"}
    assert "frames.min_frames" in rows["good0"].message and "frames.max_duration_ms" in rows["good5"].message
    assert {row.gif_id for row in embeddings.media_rows(found_df).collect()} == {"good2", "good3", "good4"}
    found_df.unpersist()


def test_what_may_not_be_read_or_does_not_answer_becomes_a_failure(
    spark: SparkSession, bucket: str, monkeypatch: pytest.MonkeyPatch, reasons: frozenset[Reason]
) -> None:
    storage.write_bytes(f"{bucket}/a.gif", b"GIF89a")

    def found(gif_id: str, read_timeout_s: float) -> Row:
        # clients are kept by their time-outs, and made of the environment as it is then
        frames = FramesConfig().model_copy(update={"read_timeout_s": read_timeout_s, "fetch_attempts": 2})
        batch = pa.record_batch([[gif_id], [[f"{bucket}/a.gif"]]], names=["gif_id", "places"])
        rows = failures_of(embeddings.embed_batches(iter([batch]), Config(experts=("semantic",), frames=frames)), spark)
        return rows[gif_id]

    with monkeypatch.context() as patch:
        patch.setenv("AWS_SECRET_ACCESS_KEY", "0" * 40)
        denied = found("denied", 3.25)
    with monkeypatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        unanswered = found("unanswered", 3.5)
    assert (denied.stage, denied.reason) == ("frames", "access_denied")
    assert (unanswered.stage, unanswered.reason) == ("frames", "fetch_failed")
    assert "given up after 2 attempts" in unanswered.message
    assert {denied.reason, unanswered.reason} == reasons


def test_a_video_where_the_package_for_videos_is_missing_is_a_failure(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reasons: frozenset[Reason]
) -> None:
    (tmp_path / "a.mp4").write_bytes(encode(pictures(4)))
    monkeypatch.setitem(sys.modules, "av", None)
    batch = pa.record_batch([["a"], [[str(tmp_path / "a.mp4")]]], names=["gif_id", "places"])
    row = failures_of(embeddings.embed_batches(iter([batch]), Config(experts=("semantic",))), spark)["a"]
    assert reasons == {row.reason} and row.stage == "frames"
    assert "pip install 'autotag[video]'" in row.message


def test_a_gif_that_does_not_fit_the_device_is_read_media_and_a_failure(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reasons: frozenset[Reason]
) -> None:
    def out_of_memory(*_: object) -> torch.Tensor:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    models = load_frame_models(Config(experts=("imagenet",)), torch.device("cpu"))
    for backbone in models.backbones.values():
        monkeypatch.setattr(backbone, "features", out_of_memory)
    monkeypatch.setattr(embeddings, "load_frame_models", lambda *_: models)
    Image.new("RGB", (8, 8), "red").save(tmp_path / "red.gif")
    batch = pa.record_batch([["red", "none"], [[str(tmp_path / "red.gif")], ["none.gif"]]], names=["gif_id", "places"])
    outcomes = list(embeddings.embed_batches(iter([batch]), Config(experts=("imagenet",))))
    rows = failures_of(iter(outcomes), spark)
    assert (rows["red"].stage, rows["red"].reason) == ("embeddings", "out_of_memory")
    assert reasons == {rows["red"].reason}
    assert rows["none"].reason == "not_found"
    outcomes_df = spark.createDataFrame(pa.Table.from_batches(outcomes).to_pylist(), from_arrow_schema(OUTCOMES))
    assert [(row.gif_id, row.width) for row in embeddings.media_rows(outcomes_df).collect()] == [("red", 8)]
    assert embeddings.embedding_rows(outcomes_df).count() == 0


def test_a_file_that_kills_or_holds_up_its_worker_is_a_failure_and_not_the_end(
    sick_files: dict[str, str],
    reasons: frozenset[Reason],
    spark: SparkSession,
    num_failed_tasks: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(spark.sparkContext.environment, "PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    names = {"sound": "", "kill": "KILL", "hang": "HANG", "raise": "RAISE"}
    gifs_df = spark.createDataFrame([(name, sick_files[key], []) for name, key in names.items()], GIFS)
    frames = FramesConfig().model_copy(update={"item_deadline_s": 12})
    config = Config(experts=("imagenet",), frames=frames, spark=SparkConfig(partitions=1))
    outcomes_df = embeddings.embed_frames(gifs_df, config).persist()
    found = {row.gif_id: row for row in outcomes_df.collect()}
    ends = {"sound": None, "kill": "killed_worker", "hang": "timed_out", "raise": "undecodable"}
    assert {name: row.reason for name, row in found.items()} == ends
    assert len(found["sound"].embeddings) == 1
    poison = poison_of((row.reason, row.message) for row in embeddings.failure_rows(outcomes_df).collect())
    assert {reason for reason, _ in poison.values()} == reasons
    again_df = embeddings.embed_frames(gifs_df, config, poison)  # the next night: nobody is killed any more
    before = num_failed_tasks()
    assert {row.gif_id: row.reason for row in again_df.collect()} == ends
    assert num_failed_tasks() == before > 0
    outcomes_df.unpersist()


def test_on_a_second_try_a_rendition_that_kills_is_left_out(
    sick_files: dict[str, str], spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(spark.sparkContext.environment, "PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    gifs_df = spark.createDataFrame([("a", sick_files[""], [sick_files["KILL"]])], GIFS)
    config = Config(experts=("imagenet",), spark=SparkConfig(partitions=1))
    [found] = embeddings.embed_frames(gifs_df, config).collect()
    assert (found.reason, found.rendition, len(found.embeddings)) == (None, None, 1)


def test_outside_of_a_task_no_gpu_is_assigned() -> None:
    assert embeddings.task_gpus() == []
