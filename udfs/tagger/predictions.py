"""Features of frames in, rows of the table predictions out. No frame is decoded here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.experts import unpack_features
from autotag_core.tables import PREDICTIONS
from autotag_core.tagger.frame_store import BACKBONE
from autotag_core.tagger.many_predictions import prediction_rows
from autotag_core.tagger.tagger_model import TaggerModel

if TYPE_CHECKING:
    from pyspark import Broadcast

GIFS_PER_BATCH = 256
"""GIFs whose features a task holds: 21 MB for 16 frames of 1280."""


def predict_tags(features_df: DataFrame, model: TaggerModel) -> DataFrame:
    """Rows of the predictions table for each row of means_of or frames_of.

    The tagger, some MB at most, is sent as a broadcast variable. Cost: linear, a thousandth of what the features cost
    for a tagger over means, a hundredth for one over sequences.
    """
    shared = features_df.sparkSession.sparkContext.broadcast(model)

    def predict_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return predict_batches(batches, shared)

    return features_df.mapInArrow(predict_partition, from_arrow_schema(PREDICTIONS.plain_schema))


def means_of(embeddings_df: DataFrame) -> DataFrame:
    """(gif_id, version, embedding) of the rows of the embeddings table that hold a GIF's mean features."""
    return embeddings_df.where(F.col("expert") == BACKBONE).select("gif_id", "version", "embedding")


def frames_of(outcomes_df: DataFrame) -> DataFrame:
    """(gif_id, version, num_sampled, frame_features) of the outcomes that have features of each frame."""
    known_df = outcomes_df.where(F.col("frame_features").isNotNull())
    return known_df.select("gif_id", "version", "num_sampled", "frame_features")


def predict_batches(batches: Iterable[pa.RecordBatch], shared: Broadcast[TaggerModel]) -> Iterator[pa.RecordBatch]:
    """The work of one task, GIFS_PER_BATCH at a time, in the same order."""
    import torch

    torch.set_num_threads(1)  # Spark already runs one task per core
    for batch in batches:
        for start in range(0, batch.num_rows, GIFS_PER_BATCH):
            part = batch.slice(start, GIFS_PER_BATCH)
            gif_ids, versions = part["gif_id"].to_pylist(), part["version"].to_pylist()
            yield prediction_rows(shared.value, gif_ids, versions, _features(part))


def _features(batch: pa.RecordBatch) -> list[np.ndarray]:
    """Each GIF's features (t, d): of its mean alone, or of each frame."""
    if "embedding" in batch.schema.names:
        return [vector[None] for vector in batch["embedding"].to_numpy(zero_copy_only=False)]
    columns = (batch[name].to_pylist() for name in ("num_sampled", "frame_features"))
    return [unpack_features(data, num_frames) for num_frames, data in zip(*columns, strict=True)]
