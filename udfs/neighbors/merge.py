"""Old lists of neighbors and new references in, current lists out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import NeighborsConfig
from autotag_core.neighbors import Neighbors, ShardSet, search_shards
from udfs.neighbors.rows import COLUMNS, LISTS, as_batch, lists_of, pairs
from udfs.neighbors.shard_rows import ShardRow
from udfs.neighbors.shards import ROWS_PER_BATCH, query_blocks, search_device
from udfs.tasks.local_folder import local_folder

FARTHEST = 2.0
"""The largest possible distance."""
_KEY = ["gif_id", "expert"]


def broken_lists(neighbors_df: DataFrame, lost_df: DataFrame) -> DataFrame:
    """(gif_id, expert) of the lists that hold one of the references lost_df (gif_id, expert), which goes to every task.

    Native; no list is shuffled.
    """
    names_df = neighbors_df.select(*_KEY, F.explode("neighbor_ids").alias("neighbor"))
    lost_df = F.broadcast(lost_df.select(F.col("gif_id").alias("neighbor"), "expert"))
    return names_df.join(lost_df, ["neighbor", "expert"], "left_semi").select(*_KEY).distinct()


def gains(
    neighbors_df: DataFrame, embeddings_df: DataFrame, gained: list[ShardRow], config: NeighborsConfig
) -> DataFrame:
    """NEIGHBORS: the references in the shards of new ones that enter the lists. A list that none enters has no row.

    Cost: of a list, only the distance of its last neighbor is shuffled, to the embeddings, which are shuffled once. An
    exact distance is computed only for the new references that are nearer by their product.
    """
    reach = F.when(F.size("distances") == config.k, F.element_at("distances", -1)).otherwise(F.lit(FARTHEST))
    reaches_df = neighbors_df.select(*_KEY, reach.cast("float").alias("reach"))
    rows_df = embeddings_df.select(*COLUMNS).join(reaches_df, ["expert", "gif_id"])

    def search_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        device = search_device()
        for expert, ids, vectors, reach in query_blocks(batches, config.k, "reach"):
            uris = [shard.uri for shard in gained if shard.expert == expert]
            found = search_shards(ShardSet(uris), ids, vectors, config, local_folder(), device, reach)
            lengths = np.diff(found.offsets)
            gaining = [ids[i] for i in np.flatnonzero(lengths)]
            found = Neighbors(np.unique(found.offsets), found.neighbor_ids, found.distances)  # without empty lists
            for start in range(0, len(gaining), ROWS_PER_BATCH):
                yield as_batch(expert, gaining[start : start + ROWS_PER_BATCH], found, start)

    return rows_df.select(*COLUMNS, "reach").mapInArrow(search_partition, from_arrow_schema(LISTS))


def merge_gains(neighbors_df: DataFrame, gains_df: DataFrame, k: int) -> DataFrame:
    """NEIGHBORS of neighbors_df, each the k nearest of its list and of the one that gains_df has. No id is in both.

    Native. Where the gains fit into a broadcast no list is shuffled, and one without gains passes unchanged.
    """
    joined_df = neighbors_df.join(gains_df.select(*_KEY, pairs().alias("gains")), _KEY, "left")
    nearest = F.slice(F.array_sort(F.concat(pairs(), "gains")), 1, k)
    new = F.when(F.col("gains").isNotNull(), nearest)
    merged_df = joined_df.select(*LISTS.names, new.alias("new"))
    lists = [
        F.coalesce(now, name).alias(name) for name, now in zip(LISTS.names[2:], lists_of(F.col("new")), strict=True)
    ]
    return merged_df.select(*_KEY, *lists)
