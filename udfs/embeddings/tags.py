"""Tags and sessions in, one space of token vectors out (Word2Vec), and every GIF placed in it."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import Config, SemanticConfig
from autotag_core.errors import InputError
from autotag_core.experts.semantic.tag_space import GIF_PREFIX, TAG_PREFIX, TagSpace, sif_weights, tokens_of
from autotag_core.experts.semantic.word2vec import fit_vectors
from autotag_core.inputs import Column, file_kind
from autotag_core.tables import EMBEDDINGS
from udfs.inputs.read_rows import count_usable, read_rows

if TYPE_CHECKING:
    from pyspark import Broadcast

EXPERT = "semantic"
ROWS_PER_BATCH = 1024

_log = logging.getLogger(__name__)


def read_sessions(spark: SparkSession, uri: str, items: str = "gif_ids") -> tuple[DataFrame, int]:
    """(session_id, gif_ids) of a file, or another list than gif_ids, and how many rows were left out.

    The file is JSON lines unless its suffix says CSV or Parquet. Ids are read as in the catalog: trimmed, and a number
    becomes its text. Left out are rows that can't be read or have no session_id. So are rows whose gif_ids are not a
    list of strings or of whole numbers, or hold a null or an empty one. InputError, in one line, where the file can't
    be read or has rows and none of them is usable. Costs one scan.
    """
    columns = (Column("session_id", "id"), Column(items, "ids"))
    rows_df = read_rows(spark, uri, columns, kind=file_kind(uri, otherwise="json"))
    is_usable = F.col("wrong").isNull() & F.col("session_id").isNotNull() & F.col(items).isNotNull()
    num_rows, num_usable = count_usable(rows_df, is_usable)
    if num_rows and not num_usable:
        raise InputError(f"{uri}: none of its {num_rows} rows is a session: they have session_id and the list {items}")
    return rows_df.where(is_usable).select("session_id", items), num_rows - num_usable


def sentences(catalog_df: DataFrame, sessions_df: DataFrame | None, min_gif_count: int) -> DataFrame:
    """Token sentences to learn from: kind, id, tokens array<string>.

    A GIF's sentence is its uploaders' tags in their order, never the editorial ones it is judged by, and its own token
    if at least min_gif_count sessions name it. A session's sentence is the tokens of such GIFs in their order. So tags
    and GIFs share one space. Cost: the views of all sessions are shuffled twice, by GIF and back by session.
    """
    none = F.array().cast("array<string>")
    tags = F.transform(F.coalesce("tags", none), lambda tag: F.concat(F.lit(TAG_PREFIX), tag))
    gifs_df = catalog_df.select("gif_id", tags.alias("tags"))
    if sessions_df is None:
        return gifs_df.select(F.lit("gif").alias("kind"), F.col("gif_id").alias("id"), F.col("tags").alias("tokens"))
    # a number for each row, since several rows may have one session_id
    views_df = sessions_df.withColumn("session", F.monotonically_increasing_id()).select(
        "session", "session_id", F.posexplode("gif_ids").alias("position", "gif_id")
    )
    num_sessions = F.count_distinct("session")
    known_df = views_df.groupBy("gif_id").agg(num_sessions.alias("sessions")).where(F.col("sessions") >= min_gif_count)
    known_df = known_df.select("gif_id", F.concat(F.lit(GIF_PREFIX), "gif_id").alias("own"))
    gif_sentences_df = gifs_df.join(known_df, "gif_id", "left").select(
        F.lit("gif").alias("kind"),
        F.col("gif_id").alias("id"),
        F.concat("tags", F.when(F.col("own").isNotNull(), F.array("own")).otherwise(none)).alias("tokens"),
    )
    in_order = F.array_sort(F.collect_list(F.struct("position", "own")))
    session_sentences_df = (
        views_df.join(known_df, "gif_id")
        .groupBy("session", "session_id")
        .agg(in_order.alias("views"))
        .select(F.lit("session").alias("kind"), F.col("session_id").alias("id"), F.col("views.own").alias("tokens"))
    )
    return gif_sentences_df.unionByName(session_sentences_df)


def fit_tag_space(catalog_df: DataFrame, sessions_df: DataFrame | None, config: SemanticConfig, seed: int) -> TagSpace:
    """The space of tags and of the GIFs of sessions: fit_space of their sentences."""
    return fit_space(sentences(catalog_df, sessions_df, config.min_gif_count), config, seed)


def fit_space(sentences_df: DataFrame, config: SemanticConfig, seed: int) -> TagSpace:
    """Word2Vec over sentences (kind, id, tokens), with SIF weights. Without frequent tokens the space is empty.

    One task learns from all sentences, in one order. With semantic.threads=1 the same catalog and sessions give the
    same bits on every run, however they were partitioned. 340,000 tokens a second and pass (measured on one core). The
    driver and that task hold the vocabulary, not the catalog: at most max_vocabulary tokens.
    """
    sentences_df = sentences_df.where(F.size("tokens") > 0)
    tokens_df = sentences_df.select(F.explode("tokens").alias("token"))
    counts_df = tokens_df.groupBy("token").agg(F.count("*").alias("count"))
    total, least = _total_and_least_count(counts_df, config)
    frequent = counts_df.where(F.col("count") >= least).toArrow().sort_by("token").combine_chunks()
    vocabulary, counts = frequent["token"], frequent["count"].to_numpy()
    if not len(vocabulary):
        return TagSpace((), np.empty((0, config.vector_size), np.float32), np.empty(0))
    shared = sentences_df.sparkSession.sparkContext.broadcast((vocabulary.chunk(0), counts))

    def fit_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        tokens, counts = shared.value
        vectors = fit_vectors(numbered(batches, tokens), counts, config, seed)
        for start in range(0, len(vectors), ROWS_PER_BATCH):
            rows = vectors[start : start + ROWS_PER_BATCH]
            places = pa.array(np.arange(start, start + len(rows)), pa.int32())
            yield pa.RecordBatch.from_arrays(
                [places, pa.array(list(rows), pa.list_(pa.float32()))], ["place", "vector"]
            )

    ordered_df = sentences_df.repartition(1).sortWithinPartitions("kind", "id", "tokens").select("tokens")
    found = ordered_df.mapInArrow(fit_partition, "place int, vector array<float>").toArrow().sort_by("place")
    vectors = found["vector"].combine_chunks().flatten().to_numpy().reshape(len(vocabulary), config.vector_size)
    return TagSpace(tuple(vocabulary.to_pylist()), vectors, sif_weights(counts, total, config.common_tag_weight))


def numbered(batches: Iterable[pa.RecordBatch], vocabulary: pa.StringArray) -> Iterator[np.ndarray]:
    """Each sentence (tokens) as its tokens' places in the vocabulary, without tokens that the vocabulary lacks."""
    for batch in batches:
        lists = batch["tokens"]
        places = pc.index_in(lists.flatten(), vocabulary)
        ends = np.cumsum(pc.list_value_length(lists).to_numpy())
        is_known = places.is_valid().to_numpy(zero_copy_only=False)
        known = places.drop_null().to_numpy()
        starts = np.concatenate([[0], np.cumsum(is_known)])[np.concatenate([[0], ends])]
        yield from (known[start:end] for start, end in itertools.pairwise(starts))


def unknown_share(sentences_df: DataFrame, space: TagSpace, config: SemanticConfig) -> float:
    """The share of all uses of tokens in sentences (kind, id, tokens) whose token would get a vector and has none.

    Cost: the tokens are counted twice, a shuffle each; the vocabulary is sent as a broadcast.
    """
    tokens_df = sentences_df.select(F.explode("tokens").alias("token"))
    counts_df = tokens_df.groupBy("token").agg(F.count("*").alias("count"))
    total, least = _total_and_least_count(counts_df, config)
    known_df = sentences_df.sparkSession.createDataFrame(pa.table({"token": pa.array(space.vocabulary, pa.string())}))
    new_df = counts_df.where(F.col("count") >= least).join(F.broadcast(known_df), "token", "left_anti")
    found = new_df.agg(F.sum("count").alias("uses")).first()
    assert found is not None
    return float((found["uses"] or 0) / max(total, 1))


def _total_and_least_count(counts_df: DataFrame, config: SemanticConfig) -> tuple[int, int]:
    """How many tokens the sentences hold, and how often one must occur to get a vector.

    That is min_count, unless more than max_vocabulary tokens occur so often. Then it is the least count that at most
    max_vocabulary tokens reach. Tokens that tie with the first one too many are all left out, so the choice does not
    depend on any order. The driver gets one row for each distinct count, few by Zipf's law.
    """
    rows = counts_df.groupBy("count").agg(F.count("*").alias("tokens")).collect()
    num_tokens, least = 0, config.min_count
    for row in sorted(rows, reverse=True):
        if row["count"] >= config.min_count and num_tokens + row["tokens"] > config.max_vocabulary:
            least = row["count"] + 1
            break
        num_tokens += row["tokens"] if row["count"] >= config.min_count else 0
    left_out = sum(row["tokens"] for row in rows if config.min_count <= row["count"] < least)
    _log.info("semantic: %d tokens that occur at least %d times get a vector", num_tokens, least)
    if left_out:
        _log.warning(
            "semantic: max_vocabulary=%d leaves out %d tokens that occur %d to %d times",
            *(config.max_vocabulary, left_out, config.min_count, least - 1),
        )
    return sum(row["count"] * row["tokens"] for row in rows), least


def embed_tags(catalog_df: DataFrame, space: TagSpace, config: Config) -> DataFrame:
    """Rows of the embeddings table of the GIFs of catalog_df (gif_id, tags) that have a known token; others abstain.

    `version` is the hash of the GIF's tokens. The space is sent as a broadcast variable, once to each executor. Vectors
    of 64 and their words are about 400 bytes a token, held once per Python worker: 0.4 GB for the million tokens that
    semantic.max_vocabulary allows. InputError where the space has another vector_size than the config.
    """
    if space.vectors.shape[1] != config.semantic.vector_size:
        wanted = config.semantic.vector_size
        raise InputError(f"the tag space has vectors of {space.vectors.shape[1]}, semantic.vector_size is {wanted}")
    shared = catalog_df.sparkSession.sparkContext.broadcast(space)

    def embed_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return embed_batches(batches, shared)

    return catalog_df.select("gif_id", "tags").mapInArrow(embed_partition, from_arrow_schema(EMBEDDINGS.plain_schema))


def embed_batches(batches: Iterable[pa.RecordBatch], shared: Broadcast[TagSpace]) -> Iterator[pa.RecordBatch]:
    """The work of one task: (gif_id, tags) in, rows of the embeddings table out, in the same order."""
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
        yield pa.RecordBatch.from_pylist(chunk, schema=EMBEDDINGS.plain_schema)
