"""Staged frame features in; a head that one task trains on them, and every GIF's embedding by it, out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import Config
from autotag_core.errors import NotTrainedError
from autotag_core.experts import RelationHead, choose_device, unpack_features
from autotag_core.splits import TRAIN, VALIDATION
from autotag_core.tables import EMBEDDINGS
from udfs.embeddings.frames import task_gpus

if TYPE_CHECKING:
    from pyspark import Broadcast

EXPERT = "temporal"
SPLITS = (TRAIN, VALIDATION)
ROWS_PER_BATCH = 256

_TRAINED = pa.schema([pa.field("head", pa.binary()), pa.field("message", pa.string())])
# without comments, which Spark would take for column metadata
_ROWS = EMBEDDINGS.plain_schema


def train_head(frames_df: DataFrame, catalog_df: DataFrame, config: Config, backbone_version: str) -> bytes:
    """A head's file, trained by one task on the GPU that Spark gives it, else its CPU. Any partitioning gives the same.

    It learns from frames_df (gif_id, num_sampled, frame_features) with the tags of catalog_df (gif_id, tags, split) in
    the train and validation split. Of more than temporal.max_training_gifs, those with the least hash of gif_id and
    seed are taken. NotTrainedError where they are too few. Cost: the ids are sorted once; the features of the drawn
    GIFs are shuffled into one partition. That is 0.4 GB for 10,000 GIFs of 16 x 1280, which that task holds; see
    training.train_head for the rest.
    """
    ids_df = frames_df.where(F.col("frame_features").isNotNull()).select("gif_id")
    ids_df = ids_df.join(catalog_df.where(F.col("split").isin(*SPLITS)), "gif_id").select("gif_id", "tags", "split")
    drawn_df = ids_df.orderBy(F.xxhash64("gif_id", F.lit(config.seed)), "gif_id").limit(
        config.temporal.max_training_gifs
    )
    examples_df = frames_df.select("gif_id", "num_sampled", "frame_features").join(F.broadcast(drawn_df), "gif_id")

    def train_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return train_batches(batches, config, backbone_version)

    one_df = examples_df.repartition(1).sortWithinPartitions("gif_id")
    rows = one_df.mapInArrow(train_partition, from_arrow_schema(_TRAINED)).collect()
    if not rows:  # Spark runs no task over nothing
        raise NotTrainedError("no train or validation GIF has frame features")
    if rows[0]["head"] is None:
        raise NotTrainedError(rows[0]["message"])
    return bytes(rows[0]["head"])


def train_batches(batches: Iterable[pa.RecordBatch], config: Config, backbone_version: str) -> Iterator[pa.RecordBatch]:
    """The work of the task: all examples in, ordered by gif_id; one row out, a head's file or why there is none."""
    from autotag_core.experts.temporal.training import train_head
    from autotag_core.experts.temporal.training_gifs import Example

    columns = ("num_sampled", "frame_features", "tags", "split")
    examples = [
        Example(unpack_features(data, num_sampled), tuple(tags or ()), split == TRAIN)
        for batch in batches
        for num_sampled, data, tags, split in zip(*(batch[name].to_pylist() for name in columns), strict=True)
    ]
    row: dict[str, bytes | str | None] = {"head": None, "message": None}
    try:
        device = choose_device(config.imagenet.device, task_gpus())
        row["head"] = train_head(examples, config, backbone_version, device).to_bytes()
    except NotTrainedError as error:
        row["message"] = str(error)
    yield pa.RecordBatch.from_pylist([row], schema=_TRAINED)


def embed_relations(frames_df: DataFrame, head: RelationHead, threads: int = 1) -> DataFrame:
    """Rows of the embeddings table of frames_df (gif_id, version, num_sampled, frame_features).

    A GIF without features, or in which nothing changes, has no row: the expert abstains. The head, some MB, is sent as
    a broadcast variable. Cost: linear, some milliseconds of a core a GIF, a hundredth of what its features cost.
    """
    known_df = frames_df.where(F.col("frame_features").isNotNull())
    shared = frames_df.sparkSession.sparkContext.broadcast(head)

    def embed_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return embed_batches(batches, shared, threads)

    columns_df = known_df.select("gif_id", "version", "num_sampled", "frame_features")
    return columns_df.mapInArrow(embed_partition, from_arrow_schema(_ROWS))


def embed_batches(
    batches: Iterable[pa.RecordBatch], shared: Broadcast[RelationHead], threads: int
) -> Iterator[pa.RecordBatch]:
    """The work of one task: frame features in, rows of the embeddings table out, in the same order."""
    import torch

    torch.set_num_threads(threads)
    head = shared.value
    columns = ("gif_id", "version", "num_sampled", "frame_features")
    rows = (
        {
            "gif_id": gif_id,
            "expert": EXPERT,
            "embedding": embedding,
            "model_version": head.version,
            "version": version,
        }
        for batch in batches
        for gif_id, version, num_sampled, data in zip(*(batch[name].to_pylist() for name in columns), strict=True)
        for embedding in [head.embed(unpack_features(data, num_sampled))]
        if embedding is not None
    )
    while chunk := list(itertools.islice(rows, ROWS_PER_BATCH)):
        yield pa.RecordBatch.from_pylist(chunk, schema=_ROWS)
