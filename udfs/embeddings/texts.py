"""The words in GIFs in, their embeddings out. Each distinct text passes the language model once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import Config
from autotag_core.experts import choose_device, load_language_model
from autotag_core.experts.text.language_model import model_version
from autotag_core.tables import EMBEDDINGS
from udfs.embeddings.frames import task_gpus
from udfs.inputs.lower_case import lower_case

EXPERT = "text"
TEXTS_PER_TASK = 2000
"""Each task's worker loads the model. This gives a few seconds of work for each second of loading."""
ROWS_PER_BATCH = 512
_VECTORS = pa.schema([pa.field("words", pa.string()), pa.field("embedding", pa.list_(pa.float32()))])


def embed_texts(media_df: DataFrame, config: Config, known_df: DataFrame | None = None) -> DataFrame:
    """Rows of the embeddings table of the GIFs of media_df (gif_id, text) that have a text; others abstain.

    Texts are compared and embedded in lower case with single spaces; `version` is the hash of that. A text's embedding
    is the same bits in any partition. A row of known_df is kept if this model made it of the same text of the same GIF.
    Cost: linear in the distinct texts, one count and one join by text.
    """
    version = model_version(config.text)
    words = F.trim(F.regexp_replace(lower_case(F.col("text")), r"\s+", " "))
    texts_df = media_df.where(F.col("text").isNotNull()).select("gif_id", words.alias("words")).where("words != ''")
    if known_df is not None:
        kept_df = known_df.join(
            texts_df.select("gif_id", _version().alias("version")), ["gif_id", "version"], "left_semi"
        )
        kept_df = kept_df.where(F.col("model_version") == version).select(*EMBEDDINGS.schema.names)
        others_df = texts_df.join(kept_df.select("gif_id"), "gif_id", "left_anti")
        return kept_df.unionByName(_embedded(others_df, config, version))
    return _embedded(texts_df, config, version)


def _version() -> Column:
    return F.substring(F.sha2(F.encode("words", "UTF-8"), 256), 1, 32)


def _embedded(texts_df: DataFrame, config: Config, version: str) -> DataFrame:
    """Rows of the embeddings table of texts_df (gif_id, words)."""
    distinct_df = texts_df.select("words").distinct()
    parallelism = texts_df.sparkSession.sparkContext.defaultParallelism
    num_tasks = max(1, min(-(-texts_df.count() // TEXTS_PER_TASK), parallelism))

    def embed_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return embed_batches(batches, config)

    tasks_df = distinct_df.repartition(num_tasks, "words").sortWithinPartitions("words")
    vectors_df = tasks_df.mapInArrow(embed_partition, from_arrow_schema(_VECTORS))
    return texts_df.join(vectors_df, "words").select(
        "gif_id",
        F.lit(EXPERT).alias("expert"),
        "embedding",
        F.lit(version).alias("model_version"),
        _version().alias("version"),
    )


def embed_batches(batches: Iterable[pa.RecordBatch], config: Config) -> Iterator[pa.RecordBatch]:
    """The work of one task: batches of (words) in, (words, embedding) out. A text without a token is left out."""
    model = None
    for batch in batches:
        for start in range(0, batch.num_rows, ROWS_PER_BATCH):
            words = batch["words"].slice(start, ROWS_PER_BATCH).to_pylist()
            if model is None:  # a task without rows loads nothing
                model = load_language_model(config.text, choose_device(config.imagenet.device, task_gpus()))
            rows = [
                {"words": text, "embedding": vector}
                for text, vector in zip(words, model.embed(words), strict=True)
                if vector.any()
            ]
            yield pa.RecordBatch.from_pylist(rows, schema=_VECTORS)
