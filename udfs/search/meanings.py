"""Search documents with what they mean: a vector of their tags, caption and text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import TextConfig
from autotag_core.tables import SEARCH_DOCUMENTS

NUM_TAGS = 8
"""Of a document's tags, the heaviest: further ones blur what it is about."""
ROWS_PER_BATCH = 512
_MEANING = SEARCH_DOCUMENTS.schema.field("meaning").type


def sentence() -> Column:
    """What a document is about, in a line: `tag, tag, .... caption. text`. Empty where it has no words."""
    tags = F.nullif(F.array_join(F.slice(F.transform("tags", lambda tag: tag["tag"]), 1, NUM_TAGS), ", "), F.lit(""))
    return F.concat_ws(". ", tags, F.col("caption"), F.col("text"))


def add_meanings(documents_df: DataFrame, config: TextConfig, known_df: DataFrame | None = None) -> DataFrame:
    """SEARCH_DOCUMENTS with `meaning`: null for a document without words.

    A document of known_df, which the same model made, gives its meaning to the one of its GIF that has the same
    sentence. Equal sentences have equal meanings in any partition. Cost: some 5 ms a new sentence on a core, and one
    join by gif_id. A task that has nothing new loads no model.
    """
    asked_df = documents_df.withColumn("sentence", sentence())
    if known_df is None:
        asked_df = asked_df.withColumn("known", F.lit(None).cast("array<tinyint>"))
    else:
        known_df = known_df.select("gif_id", sentence().alias("sentence"), F.col("meaning").alias("known"))
        asked_df = asked_df.join(known_df, ["gif_id", "sentence"], "left")

    def mean_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return mean_batches(batches, config)

    names = SEARCH_DOCUMENTS.schema.names
    return asked_df.select(*names, "sentence", "known").mapInArrow(
        mean_partition, from_arrow_schema(SEARCH_DOCUMENTS.plain_schema)
    )


def mean_batches(batches: Iterable[pa.RecordBatch], config: TextConfig) -> Iterator[pa.RecordBatch]:
    """The work of one task: documents with `sentence` and `known` in, documents with `meaning` out."""
    for batch in batches:
        for start in range(0, batch.num_rows, ROWS_PER_BATCH):
            rows = batch.slice(start, ROWS_PER_BATCH)
            sentences, known = rows["sentence"].to_pylist(), rows["known"].to_pylist()
            new = dict.fromkeys(
                text for text, vector in zip(sentences, known, strict=True) if text.strip() and vector is None
            )
            found = _embedded(list(new), config)
            meanings = [
                vector if vector is not None else found.get(text) for text, vector in zip(sentences, known, strict=True)
            ]
            columns = {name: rows[name] for name in SEARCH_DOCUMENTS.schema.names}
            yield pa.RecordBatch.from_pydict(columns | {"meaning": pa.array(meanings, _MEANING)})


def _embedded(texts: list[str], config: TextConfig) -> dict[str, list[int]]:
    """The vector of each text that has a token."""
    if not texts:
        return {}
    from autotag_core.experts.text.sentences import as_bytes, load_sentences

    vectors = as_bytes(load_sentences(config).embed(texts))
    return {text: vector.tolist() for text, vector in zip(texts, vectors, strict=True) if vector.any()}
