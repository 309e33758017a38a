"""Catalog rows in, one outcome per GIF out: one iterator UDF fetches, decodes and computes, and no pixel leaves it."""

from __future__ import annotations

import faulthandler
import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa
from pyspark import SparkContext, TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import Config, FacesConfig, TextConfig
from autotag_core.experts import (
    Outcome,
    choose_device,
    chosen_experts,
    embed_gifs,
    load_frame_models,
    pack_features,
)
from autotag_core.faces.face_rows import SEEN_FACE, to_struct
from autotag_core.tables import EMBEDDINGS, FAILURES, MEDIA

if TYPE_CHECKING:
    from autotag_core.failures import ItemError
    from autotag_core.frames.load import LoadedGif, Poison
    from autotag_core.frames.loader import Places

    Loaded = tuple[str, LoadedGif | ItemError]

MIN_GIFS_PER_TASK = 16
ROWS_PER_BATCH = 64
"""Outcomes in one Arrow batch: 64 x 2048 floats are 0.5 MB, so neither side ever holds much."""

_EMBEDDING = pa.struct(
    [
        pa.field("expert", pa.string()),
        pa.field("embedding", pa.list_(pa.float32())),
        pa.field("model_version", pa.string()),
    ]
)
FACES = "faces"
"""The name by which looking for faces is asked for beside experts."""
BUSY = ("fetch", "decode", "text", FACES, "models")
_MEDIA_COLUMNS = [field for field in MEDIA.schema if field.name != "gif_id"]
OUTCOMES = pa.schema(
    [
        pa.field("gif_id", pa.string()),
        *(pa.field(field.name, field.type) for field in _MEDIA_COLUMNS),
        pa.field("embeddings", pa.list_(_EMBEDDING)),
        pa.field("frame_features", pa.binary()),
        pa.field("faces", pa.list_(SEEN_FACE)),
        pa.field("stage", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("message", pa.string()),
        pa.field("busy", pa.struct([pa.field(name, pa.float32()) for name in BUSY])),
    ]
)
"""One row per catalog row. The media columns are null where the frames could not be read. stage, reason and message are
null where everything went well. A GIF that was read but does not fit the device has both. frame_features are those of
the backbone that FrameModels.kept names, (num_sampled, d) as pack_features writes them. They are null, and at no cost,
unless an expert over frame features is chosen. 16 frames of 1280 are 40 KB a GIF, staged for a later stage, never
published. faces are null where nobody looked for them. busy are the seconds that a GIF took: clock time to fetch, CPU
time to decode, to read its text and to find its faces, clock time in the models; null where it was not read."""


def embed_frames(
    catalog_df: DataFrame, config: Config, poison: Poison = MappingProxyType({}), num_gifs: int | None = None
) -> DataFrame:
    """The OUTCOMES of every GIF of catalog_df for the configured experts over frames. No row is lost.

    catalog_df has num_gifs rows (None: they are counted) of gif_id, uri and renditions; the first of renditions and uri
    that can be read is looked at. With an expert over texts, the words in the frames are read in the same pass.
    The config should be settled (experts.settled); otherwise each task settles it for itself.

    Partitioned by the hash of gif_id, as SparkConfig says. A GIF's embeddings are the same bits in any partition. They
    are computed anew at each use: write or persist them before taking media_rows, embedding_rows and failure_rows.
    InputError where a GPU is demanded and Spark gives its tasks none.

    A file that kills or holds up its task costs a second try of the task, in which each file is first read by a process
    of its own: it becomes a row of failures. Bytes that `poison` names are not tried again.
    """
    spark = catalog_df.sparkSession
    if config.imagenet.device == "cuda" and gpus_per_task(spark) == 0:
        choose_device("cuda", [])
    gifs_df = catalog_df.select("gif_id", F.concat("renditions", F.array("uri")).alias("places"))
    if (num_partitions := config.spark.partitions) is None:
        num_gifs = gifs_df.count() if num_gifs is None else num_gifs
        num_partitions = _num_tasks(num_gifs, config.spark.gifs_per_partition, spark.sparkContext)

    known = dict(poison)

    def embed_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return embed_batches(batches, config, known)

    # Sorted, since a shuffle delivers rows in any order. So a task meets the same batches on every run.
    tasks_df = gifs_df.repartition(num_partitions, "gif_id").sortWithinPartitions("gif_id")
    return tasks_df.mapInArrow(embed_partition, from_arrow_schema(OUTCOMES))


def only_experts(config: Config, names: Collection[str]) -> Config:
    """The config with these of its experts alone, in its order, and with faces only where FACES is among the names."""
    faces = config.faces.model_copy(update={"enabled": config.faces.enabled and FACES in names})
    experts = tuple(name for name in config.experts if name in names)
    return config.model_copy(update={"experts": experts, "faces": faces})


def _num_tasks(num_gifs: int, gifs_per_task: int, context: SparkContext) -> int:
    """Number of tasks: finer for small catalogs, and in whole rounds of the cores, so that they end together."""
    cores = context.defaultParallelism
    num_tasks = max(-(-num_gifs // gifs_per_task), min(8 * cores, num_gifs // MIN_GIFS_PER_TASK), 1)
    return num_tasks if num_tasks <= cores else -(-num_tasks // cores) * cores


def embed_batches(
    batches: Iterable[pa.RecordBatch], config: Config, poison: Poison = MappingProxyType({})
) -> Iterator[pa.RecordBatch]:
    """The work of one task: batches of (gif_id, places) in, OUTCOMES in their order out, ROWS_PER_BATCH at a time."""
    items: Iterator[tuple[str, Places]] = (
        (gif_id, tuple(places))
        for batch in batches
        for gif_id, places in zip(batch["gif_id"].to_pylist(), batch["places"].to_pylist(), strict=True)
    )
    first = next(items, None)
    if first is None:  # a task without rows loads nothing
        return
    items = itertools.chain([first], items)
    models = load_frame_models(config, choose_device(config.imagenet.device, task_gpus()))
    context = TaskContext.get()
    is_second_try = context is not None and context.attemptNumber() > 0
    loaded = _loaded_guarded(items, config, poison) if is_second_try else _loaded(items, config, poison)
    outcomes = embed_gifs(_watched(loaded, config.frames.item_deadline_s), models)
    while chunk := list(itertools.islice(outcomes, ROWS_PER_BATCH)):
        yield pa.RecordBatch.from_pylist([_row(outcome) for outcome in chunk], schema=OUTCOMES)


def _loaded(items: Iterable[tuple[str, Places]], config: Config, poison: Poison) -> Iterator[Loaded]:
    from autotag_core.frames import iter_loaded
    from autotag_core.frames.readers import load_readers

    return iter_loaded(items, config.frames, load_readers(*_asked(config)), poison)


def _asked(config: Config) -> tuple[TextConfig | None, FacesConfig | None]:
    """The settings of what is read besides frames."""
    text = config.text if chosen_experts(config, "texts") else None
    return text, config.faces if config.faces.enabled else None


def _loaded_guarded(items: Iterable[tuple[str, Places]], config: Config, poison: Poison) -> Iterator[Loaded]:
    """The same, of files that a process of its own has survived: they are all tried now. The others are failures."""
    from autotag_core.frames.guard import Guard

    checked: list[tuple[str, Places | ItemError]] = []
    with Guard(config.frames, *_asked(config)) as guard:
        for gif_id, (*renditions, uri) in items:
            harmless = (*(one for one in renditions if guard.check(one) is None), uri)
            checked.append((gif_id, guard.check(uri) or harmless))
    loaded = _loaded([(gif_id, one) for gif_id, one in checked if isinstance(one, tuple)], config, poison)
    return (next(loaded) if isinstance(one, tuple) else (gif_id, one) for gif_id, one in checked)


def _watched(loaded: Iterator[Loaded], deadline_s: float) -> Iterator[Loaded]:
    """The same; where the next one takes longer than the deadline, this process ends, and Spark tries the task again.

    A thread of C ends it: one of Python would wait for a decoder that holds Python's lock.
    """
    nothing = object()
    while True:
        faulthandler.dump_traceback_later(deadline_s, exit=True, file=2)  # standard error, whatever sys holds
        try:
            item = next(loaded, nothing)
        finally:
            faulthandler.cancel_dump_traceback_later()
        if item is nothing:
            return
        yield cast("Loaded", item)
        del item  # its frames


def gpus_per_task(spark: SparkSession) -> float:
    """How much of a GPU Spark gives each task. 0: none."""
    return float(spark.conf.get("spark.task.resource.gpu.amount", "0") or 0)


def task_gpus() -> list[str]:
    """Addresses of the GPUs that Spark assigned to the running task. Empty outside of a task."""
    context = TaskContext.get()
    gpu = context.resources().get("gpu") if context is not None else None
    return list(gpu.addresses) if gpu is not None else []


def _row(outcome: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {"gif_id": outcome.gif_id}
    if outcome.media is not None:
        row |= asdict(outcome.media)
    row["embeddings"] = [
        {"expert": item.expert, "embedding": item.vector, "model_version": item.model_version}
        for item in outcome.embeddings
    ]
    if outcome.spent is not None:
        row["busy"] = asdict(outcome.spent) | {"models": outcome.seconds}
    if outcome.frame_features is not None:
        row["frame_features"] = pack_features(outcome.frame_features)
    if outcome.faces is not None:
        row["faces"] = [to_struct(face) for face in outcome.faces]
    if outcome.error is not None:
        row |= {
            "stage": str(outcome.error.stage),
            "reason": str(outcome.error.reason),
            "message": outcome.error.message,
        }
    return row


def busy_seconds(outcomes_df: DataFrame) -> dict[str, float]:
    """Seconds that all tasks together spent in each part of the work, as named in BUSY. Cost: one small scan."""
    found = outcomes_df.agg(*(F.sum(f"busy.{name}").alias(name) for name in BUSY)).first()
    assert found is not None
    return {name: found[name] or 0.0 for name in BUSY}


def media_rows(outcomes_df: DataFrame) -> DataFrame:
    """The rows of the media table: GIFs whose frames were read."""
    return outcomes_df.where(F.col("version").isNotNull()).select(*MEDIA.schema.names)


def embedding_rows(outcomes_df: DataFrame) -> DataFrame:
    """The rows of the embeddings table: one per GIF and expert that did not abstain."""
    exploded_df = outcomes_df.select("gif_id", "version", F.explode("embeddings").alias("item"))
    return exploded_df.select(
        "gif_id",
        F.col("item.expert").alias("expert"),
        F.col("item.embedding").alias("embedding"),
        F.col("item.model_version").alias("model_version"),
        "version",
    ).select(*EMBEDDINGS.schema.names)


def failure_rows(outcomes_df: DataFrame) -> DataFrame:
    """The rows of the failures table: GIFs that could not be read or embedded."""
    return outcomes_df.where(F.col("reason").isNotNull()).select(*FAILURES.schema.names)
