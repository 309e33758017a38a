"""Embeddings in, nearest train GIFs out. Each expert is searched in the way that fits its size."""

from __future__ import annotations

import functools
import logging
from dataclasses import astuple

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import choose_backend
from udfs.embeddings.frames import gpus_per_task
from udfs.neighbors.graphs import search_graphs
from udfs.neighbors.shard_rows import ExpertSize, FoundNeighbors, ShardFolders
from udfs.neighbors.shards import build_shards, search_queries

GPU_GAIN = 10
"""An assumption, not measured: about how many times as many float32 products a GPU does as a core, per task and
second."""

_log = logging.getLogger(__name__)


def find_neighbors(
    embeddings_df: DataFrame, reference_ids_df: DataFrame, config: NeighborsConfig, folders: ShardFolders
) -> FoundNeighbors:
    """NEIGHBORS of every row of embeddings_df among the GIFs of reference_ids_df (gif_id), each expert by itself.

    Nearest first, ties by gif_id, never the GIF itself. A GIF whose expert has no reference gets empty lists.
    embeddings_df is read several times: give it a table, not a plan. Experts with the backend nndescent are searched by
    search_graphs. For the others, the tasks of one Spark job build shards at once, in the folders (local or s3a). The
    search runs when the result is written, and needs the folders until then.

    Cost for Q queries, N references, dimension d, P = ceil(N / shard_size) shards. exact: 2 Q N d operations.
    nmslib: a build of about N log(shard_size) and Q P searches. It grows with P, so few and large shards are best. Each
    vector is shuffled once as a query and once as a reference. Every search task reads every shard of its expert, from
    its host's disk. Memory of a task: a build streams (exact), or holds 2 x shard_size x d x 4 bytes, its links and ids
    (nmslib: 2.7 GB at 250,000 x 1280). A search holds about 2 QUERY_BYTES, whatever d, k and P are, and one shard
    (exact: mapped, shared by the host's tasks; nmslib: shard_size x (d x 4 + 8 M + 16) bytes). Disk of a host: all
    shards, where they come from S3.
    """
    sizes = expert_sizes(embeddings_df, reference_ids_df)
    config = _for_hardware(embeddings_df, config)
    graphs = {name: size.num_queries for name, size in sizes.items() if _is_graph(config, name, size)}
    parts, shards = [], []
    if graphs:
        parts.append(search_graphs(embeddings_df, reference_ids_df, graphs, config))
    others = {name: size for name, size in sizes.items() if name not in graphs}
    if others or not graphs:
        queries_df = embeddings_df.where(F.col("expert").isin(list(others))) if graphs else embeddings_df
        references_df = queries_df.join(reference_ids_df.select("gif_id"), "gif_id", "left_semi")
        shards = build_shards(references_df, others, config, folders)
        parts.append(search_queries(queries_df, others, shards, config))
    return FoundNeighbors(functools.reduce(DataFrame.unionByName, parts), folders.lasting_of(shards))


def _for_hardware(df: DataFrame, config: NeighborsConfig) -> NeighborsConfig:
    """The config; where Spark gives tasks a GPU, exact search pays for GPU_GAIN times as many GIFs."""
    has_gpu = gpus_per_task(df.sparkSession) > 0
    return config.model_copy(update={"exact_below": GPU_GAIN * config.exact_below}) if has_gpu else config


def _is_graph(config: NeighborsConfig, expert: str, size: ExpertSize) -> bool:
    """Whether NN-descent finds the neighbors of all GIFs of the expert at once. The log has the reason."""
    is_large = config.backend == "auto" and choose_backend(config, size.num_references, size.num_queries) != "exact"
    if is_large or config.backend == "nndescent":
        reason = f"more than neighbors.exact_below={config.exact_below}" if is_large else "neighbors.backend says so"
        _log.info("neighbors of %s: nndescent over %d GIFs, %d references: %s", expert, *astuple(size), reason)
    return is_large or config.backend == "nndescent"


def expert_sizes(embeddings_df: DataFrame, reference_ids_df: DataFrame) -> dict[str, ExpertSize]:
    """Queries and references of each expert, by name. Reads no vector."""
    keys_df = embeddings_df.select("gif_id", "expert")
    references_df = keys_df.join(reference_ids_df.select("gif_id"), "gif_id", "left_semi")
    rows_df = keys_df.select("expert", F.lit(0).alias("reference")).union(references_df.select("expert", F.lit(1)))
    is_reference = F.col("reference") == 1
    counts = rows_df.groupBy("expert").agg(
        F.count_if(~is_reference).alias("queries"), F.count_if(is_reference).alias("references")
    )
    found = {row["expert"]: ExpertSize(row["queries"], row["references"]) for row in counts.collect()}
    return dict(sorted(found.items()))
