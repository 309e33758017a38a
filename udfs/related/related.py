"""A space of tokens in, the nearest ones of each out: tags to tags, searches to searches, GIFs to GIFs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import num_shards
from autotag_core.related import TokenVectors, search_tokens, write_shard
from autotag_core.tables import RELATED_GIFS
from udfs.inputs.lower_case import lower_case
from udfs.neighbors.shards import MIN_QUERIES, QUERY_BYTES, query_bytes
from udfs.tasks.local_folder import local_folder

if TYPE_CHECKING:
    from pyspark import Broadcast

SESSIONS, TAGS = "sessions", "tags"
"""The sources of a GIF's list."""
ROWS_PER_BATCH = 4096
_GIFS = RELATED_GIFS.plain_schema
"""RELATED_GIFS without comments, which Spark would take for column metadata."""
_RELATED = "related array<string>, similarities array<float>"


@dataclass(frozen=True)
class Searchable:
    """Tokens of one kind, where every executor finds them, and the index shards over them."""

    tokens: Broadcast[TokenVectors]
    num_tokens: int
    dimension: int
    uris: tuple[str, ...]
    config: NeighborsConfig


def make_searchable(spark: SparkSession, tokens: TokenVectors, config: NeighborsConfig, folder: str) -> Searchable:
    """Build the shards under `folder` (local or s3a), each by one task. The caller deletes it after the search.

    Cost: one Spark job. The tokens are sent as a broadcast variable, 4 bytes a dimension and about
    250 bytes for the name and its place: 0.5 GB once in each Python worker for the million that semantic.max_vocabulary
    allows. A task holds what build_shard says.
    """
    size = config.shard_size
    shared = spark.sparkContext.broadcast(tokens)
    num_tokens, dimension = tokens.vectors.shape
    slices = [range(i * size, min((i + 1) * size, num_tokens)) for i in range(num_shards(config, num_tokens))]

    def build_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch["id"].to_pylist():
                uri = write_shard(shared.value, slices[number], config, folder, local_folder())
                yield pa.RecordBatch.from_pydict({"uri": [uri]})

    # no RDD: Spark runs those in Python workers of their own, which would load everything once more
    numbers_df = spark.range(0, len(slices), 1, max(len(slices), 1))
    uris = [row["uri"] for row in numbers_df.mapInArrow(build_partition, "uri string").collect()]
    return Searchable(shared, num_tokens, dimension, tuple(uris), config)


def related_tokens(spark: SparkSession, searchable: Searchable, key: str) -> DataFrame:
    """(key, related, similarities): the config.k nearest of every token. Without another token there is no row.

    Cost for V tokens: 2 V^2 d operations where the search is exact, else V searches of each shard; one Spark job
    without a shuffle. A task holds about 2 QUERY_BYTES and one shard.
    """
    num_queries = searchable.num_tokens
    most = math.ceil(num_queries / MIN_QUERIES)
    least = math.ceil(num_queries * query_bytes(searchable.dimension, searchable.config.k) / QUERY_BYTES)
    num_tasks = max(least, min(spark.sparkContext.defaultParallelism, most), 1)

    def relate_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        names = searchable.tokens.value.names
        queries = [names[row] for batch in batches for row in batch["id"].to_pylist()]
        yield from _searched(searchable, queries, key)

    related_df = spark.range(0, num_queries, 1, num_tasks).mapInArrow(relate_partition, f"{key} string, {_RELATED}")
    return related_df.where(F.size("related") > 0)


def related_gifs(neighbors_df: DataFrame, gifs: Searchable | None, k: int) -> DataFrame:
    """RELATED_GIFS of the GIFs of neighbors_df (gif_id, neighbor_ids, distances), a space of tags.

    `gifs` are those that enough sessions hold. A GIF among them gets the k nearest of them, any other the first k of
    its neighbors. There is no row without any. Cost: one pass without a shuffle, and for GIFs in sessions a search as
    in related_tokens.
    """
    fallback_df = neighbors_df.select(
        "gif_id",
        F.slice("neighbor_ids", 1, k).alias("related"),
        F.transform(F.slice("distances", 1, k), lambda distance: (1 - distance).cast("float")).alias("similarities"),
        F.lit(TAGS).alias("source"),
    )
    if gifs is None or not gifs.num_tokens:
        return fallback_df.where(F.size("related") > 0)

    def relate_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = gifs.tokens.value.rows
        block = max(1, QUERY_BYTES // query_bytes(gifs.dimension, gifs.config.k))
        waiting: list[str] = []
        for batch in batches:
            ids = batch["gif_id"].to_pylist()
            waiting += [gif_id for gif_id in ids if gif_id in rows]
            others = batch.filter(pa.array([gif_id not in rows for gif_id in ids], pa.bool_()))
            columns = [column.cast(field.type) for column, field in zip(others.columns, _GIFS, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=_GIFS)  # Spark's lists have another Arrow type than ours
            while len(waiting) >= block:
                yield from _searched(gifs, waiting[:block], "gif_id", SESSIONS)
                waiting = waiting[block:]
        yield from _searched(gifs, waiting, "gif_id", SESSIONS)

    related_df = fallback_df.mapInArrow(relate_partition, f"gif_id string, {_RELATED}, source string")
    return related_df.where(F.size("related") > 0)


def frequent_tags(catalog_df: DataFrame, min_gifs: int) -> list[str]:
    """The tags of at least min_gifs GIFs, by uploaders alone. Cost: one shuffle of all tags, counted before it."""
    tags_df = catalog_df.select(F.explode("tags").alias("tag")).groupBy("tag").agg(F.count("*").alias("gifs"))
    return [str(tag) for tag in tags_df.where(F.col("gifs") >= min_gifs).toArrow()["tag"].to_pylist()]


def known_gifs(catalog_df: DataFrame, names: Sequence[str]) -> list[str]:
    """Those of the names that are GIFs of the catalog: sessions may name others. Cost: one scan of ids, no shuffle."""
    if not names:
        return []
    names_df = catalog_df.sparkSession.createDataFrame(pa.table({"gif_id": pa.array(names, pa.string())}))
    found_df = catalog_df.select("gif_id").join(F.broadcast(names_df), "gif_id", "left_semi")
    return [str(gif_id) for gif_id in found_df.toArrow()["gif_id"].to_pylist()]


def search_sentences(sessions_df: DataFrame) -> DataFrame:
    """Sentences (kind, id, tokens) of search sessions (session_id, queries): lower case, single spaces, in order."""
    one_spelling = F.transform("queries", lambda query: lower_case(F.regexp_replace(query, r"\s+", " ")))
    return sessions_df.select(
        F.lit("search").alias("kind"), F.col("session_id").alias("id"), one_spelling.alias("tokens")
    )


def _searched(
    searchable: Searchable, names: list[str], key: str, source: str | None = None
) -> Iterator[pa.RecordBatch]:
    """Rows (key, related, similarities and, where it is given, source) of these tokens."""
    if not names:
        return
    found = search_tokens(searchable.tokens.value, names, searchable.uris, searchable.config, local_folder())
    similarities = np.float32(1) - found.distances
    for start in range(0, len(names), ROWS_PER_BATCH):
        here = names[start : start + ROWS_PER_BATCH]
        edges = found.offsets[start : start + len(here) + 1]
        lists = [slice(*pair) for pair in itertools.pairwise(edges)]
        columns = {
            key: pa.array(here, pa.string()),
            "related": pa.array([found.neighbor_ids[at] for at in lists], pa.list_(pa.string())),
            "similarities": pa.array([similarities[at] for at in lists], pa.list_(pa.float32())),
        }
        if source:
            columns["source"] = pa.array([source] * len(here), pa.string())
        yield pa.RecordBatch.from_pydict(columns)
