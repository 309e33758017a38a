"""Tags and sessions in, one space of token vectors out (Word2Vec on the cluster), and every GIF placed in it."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.ml.feature import Word2Vec
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import Config, SemanticConfig
from autotag_core.errors import InputError
from autotag_core.experts.semantic import GIF_PREFIX, TAG_PREFIX, TagSpace, sif_weights, tokens_of
from autotag_core.tables import EMBEDDINGS

if TYPE_CHECKING:
    from pyspark import Broadcast

EXPERT = "semantic"
ROWS_PER_BATCH = 1024


def read_sessions(spark: SparkSession, uri: str) -> tuple[DataFrame, int]:
    """(session_id, gif_ids) of JSON lines, and how many rows were left out: not JSON, no id, gif_ids not all strings.

    InputError, in one line, where they can't be read. Costs one scan.
    """
    schema = T.StructType(
        [T.StructField("session_id", T.StringType()), T.StructField("gif_ids", T.ArrayType(T.StringType()))]
    )
    usable = F.col("session_id").isNotNull() & F.col("gif_ids").isNotNull()
    usable &= ~F.exists("gif_ids", lambda gif_id: gif_id.isNull())
    try:
        rows_df = spark.read.schema(schema).json(uri)
        counts = rows_df.agg(F.count("*").alias("rows"), F.count_if(usable).alias("usable")).first()
    except (PySparkException, Py4JJavaError) as error:
        raise InputError(f"{uri}: cannot be read as sessions: {_first_line(error)}") from None
    assert counts is not None
    return rows_df.where(usable), counts["rows"] - counts["usable"]


def _first_line(error: Exception) -> str:
    text = str(error.java_exception) if isinstance(error, Py4JJavaError) else str(error)
    return text.splitlines()[0] if text else type(error).__name__


def sentences(catalog_df: DataFrame, sessions_df: DataFrame | None) -> DataFrame:
    """Token sentences to learn from: kind, id, tokens array<string>.

    A GIF's sentence is its uploaders' tags in their order, never the editorial ones it is judged by, and its own token
    where a session names it; a session's is the tokens of its GIFs in their order. So tags and GIFs share one space.
    """
    none = F.array().cast("array<string>")
    tags = F.transform(F.coalesce("tags", none), lambda tag: F.concat(F.lit(TAG_PREFIX), tag))
    gifs_df = catalog_df.select("gif_id", tags.alias("tags"))
    if sessions_df is None:
        return gifs_df.select(F.lit("gif").alias("kind"), F.col("gif_id").alias("id"), F.col("tags").alias("tokens"))
    named_df = sessions_df.select(F.explode("gif_ids").alias("gif_id")).distinct().withColumn("named", F.lit(True))
    own = F.when(F.col("named"), F.array(F.concat(F.lit(GIF_PREFIX), "gif_id"))).otherwise(none)
    gif_sentences_df = gifs_df.join(named_df, "gif_id", "left").select(
        F.lit("gif").alias("kind"), F.col("gif_id").alias("id"), F.concat("tags", own).alias("tokens")
    )
    tokens = F.transform("gif_ids", lambda gif_id: F.concat(F.lit(GIF_PREFIX), gif_id))
    session_sentences_df = sessions_df.select(
        F.lit("session").alias("kind"), F.col("session_id").alias("id"), tokens.alias("tokens")
    )
    return gif_sentences_df.unionByName(session_sentences_df)


def fit_tag_space(catalog_df: DataFrame, sessions_df: DataFrame | None, config: SemanticConfig, seed: int) -> TagSpace:
    """Word2Vec (skip-gram, pyspark.ml) over the sentences, with SIF weights; empty where no token is frequent enough.

    With num_partitions=1 the same catalog and sessions give the same bits on every run, however they were partitioned
    (as long as spark.default.parallelism, which orders equally frequent tokens, is left unset or the same): the
    sentences go through one partition in one order, and a single core trains on them. The driver holds the vocabulary,
    not the catalog: about 4 x vector_size x 4 bytes a token while training, so 1 GB for a million tokens of 64.
    """
    sentences_df = sentences(catalog_df, sessions_df).where(F.size("tokens") > 0)
    ordered_df = sentences_df.repartition(1).sortWithinPartitions("kind", "id", "tokens").select("tokens")
    tokens_df = sentences_df.select(F.explode("tokens").alias("token"))
    counts_df = tokens_df.groupBy("token").agg(F.count("*").alias("count"))
    total = counts_df.agg(F.coalesce(F.sum("count"), F.lit(0)).alias("total")).first()
    frequent = counts_df.where(F.col("count") >= config.min_count).toArrow()
    if total is None or frequent.num_rows == 0:
        return TagSpace((), np.empty((0, config.vector_size), np.float32), np.empty(0))
    model = Word2Vec(
        vectorSize=config.vector_size,
        minCount=config.min_count,
        numPartitions=config.num_partitions,
        stepSize=config.step_size,
        maxIter=config.num_iterations,
        windowSize=config.window,
        seed=seed,
        inputCol="tokens",
    ).fit(ordered_df)
    vectors = model.getVectors().select("word", vector_to_array(F.col("vector"), "float32").alias("vector")).toArrow()
    count_of = dict(zip(frequent["token"].to_pylist(), frequent["count"].to_pylist(), strict=True))
    words = vectors["word"].to_pylist()
    matrix = vectors["vector"].combine_chunks().flatten().to_numpy().reshape(len(words), config.vector_size)
    order = sorted(range(len(words)), key=words.__getitem__)
    weights = sif_weights(np.array([count_of[words[i]] for i in order]), total["total"], config.common_tag_weight)
    return TagSpace(tuple(words[i] for i in order), matrix[order], weights)


def embed_tags(catalog_df: DataFrame, space: TagSpace, config: Config) -> DataFrame:
    """Rows of the embeddings table of the GIFs of catalog_df (gif_id, tags) that have a known token; others abstain.

    `version` is the hash of the GIF's tokens. The space travels as a broadcast variable, once to each executor: vectors
    of 64 and their words are about 400 bytes a token, held once per Python worker; past some two million tokens (1 GB a
    worker) raise semantic.min_count. InputError where the space has another vector_size than the config.
    """
    if space.vectors.shape[1] != config.semantic.vector_size:
        wanted = config.semantic.vector_size
        raise InputError(f"the tag space has vectors of {space.vectors.shape[1]}, semantic.vector_size is {wanted}")
    shared = catalog_df.sparkSession.sparkContext.broadcast(space)

    def embed_partition(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        return embed_batches(batches, shared)

    return catalog_df.select("gif_id", "tags").mapInArrow(embed_partition, from_arrow_schema(_plain(EMBEDDINGS.schema)))


def embed_batches(batches: Iterable[pa.RecordBatch], shared: Broadcast[TagSpace]) -> Iterator[pa.RecordBatch]:
    """What one task does: (gif_id, tags) in, rows of the embeddings table out, in the same order."""
    space = shared.value
    rows = (
        {
            "gif_id": gif_id,
            "expert": EXPERT,
            "embedding": vector,
            "model_version": space.version,
            "version": hashlib.sha256(json.dumps(tokens).encode()).hexdigest()[:32],
        }
        for batch in batches
        for gif_id, tags in zip(batch["gif_id"].to_pylist(), batch["tags"].to_pylist(), strict=True)
        for tokens in [tokens_of(gif_id, tags)]
        for vector in [space.embed(tokens)]
        if vector is not None
    )
    while chunk := list(itertools.islice(rows, ROWS_PER_BATCH)):
        yield pa.RecordBatch.from_pylist(chunk, schema=_plain(EMBEDDINGS.schema))


def _plain(schema: pa.Schema) -> pa.Schema:
    """The schema without comments, which Spark would take for column metadata."""
    return pa.schema([pa.field(field.name, field.type) for field in schema])
