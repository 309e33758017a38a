"""Tags in, files out that every task of the vote maps: the table of tags, and the statistics on them.

Cost, for N GIFs: one task writes the table. It reads the rows about GIFs as they come, 4 s a million. Pairs of tags are
counted where GIFs are read, and summed in a shuffle of one row of 24 bytes for each pair in each partition. The lists
of neighbors are read once, without a shuffle. Then one task writes the sums of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.config import VoteConfig
from autotag_core.votes import (
    COUNTS,
    SEEN,
    TagStatistics,
    TagTable,
    block_of,
    count_tags,
    open_tag_table,
    see_own_tags,
    write_counts,
    write_lifts,
    write_tag_table,
)
from udfs.tasks.local_folder import local_folder
from udfs.tasks.one_task import written
from udfs.votes.ballots import Ballots
from udfs.votes.looks import write_mean_looks

_TABLE = "names string, slices array<string>, num_gifs bigint, num_tags bigint"


def write_tags(about_df: DataFrame, slips_df: DataFrame | None, folder: str, slice_gifs: int | None = None) -> TagTable:
    """The table of the tags of train GIFs, from rows about all GIFs and slips (tag, meant), under `folder` (local or
    s3a).

    The driver gets the files' names. Readers need the folder until their results are written; the caller deletes it.
    """
    limit = {} if slice_gifs is None else {"slice_gifs": slice_gifs}
    rows_df = about_df
    if slips_df is not None:
        slip_df = slips_df.select(F.array("tag", "meant").alias("items"))
        rows_df = about_df.unionByName(slip_df, allowMissingColumns=True)

    def write_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table = write_tag_table(batches, folder, local_folder(), **limit)
        yield pa.RecordBatch.from_pylist([vars(table)])

    rows = rows_df.coalesce(1).mapInArrow(write_partition, _TABLE).collect()
    if not rows:  # Spark starts no task for rows that it knows to be empty
        return write_tag_table([], folder, local_folder())
    (row,) = rows
    return TagTable(row["names"], tuple(row["slices"]), row["num_gifs"], row["num_tags"])


def write_statistics(ballots: Ballots, experts: Sequence[str], config: VoteConfig, folder: str) -> TagStatistics:
    """Count tags and pairs of tags, what each expert's neighbors of train GIFs say of these GIFs' own tags, and the
    mean look of each tag's GIFs.
    """
    tags, names, similarity, lift_prior = ballots.tags, tuple(experts), config.similarity, config.lift_prior

    def count_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table = open_tag_table(tags, local_folder())
        for batch in batches:
            if batch.num_rows:
                yield count_tags(block_of(pa.Table.from_batches([batch]), []), table)

    def see_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table = open_tag_table(tags, local_folder())
        for batch in batches:
            if batch.num_rows:
                yield see_own_tags(block_of(pa.Table.from_batches([batch]), names), table, similarity)

    marked_df = ballots.about_df.withColumn("expert", F.lit(None).cast("string"))
    counts_df = _summed(marked_df.mapInArrow(count_partition, from_arrow_schema(COUNTS)), "key")
    is_tag = F.shiftright("key", 32) == F.col("key").bitwiseAND(0xFFFFFFFF)
    is_known = is_tag | (F.col("num_train") > 1) | ((F.col("num_train") > 0) & (F.col("num_others") > 0))
    counts = written(counts_df.where(is_known), lambda rows: write_counts(rows, tags, folder, local_folder()))

    is_list = (F.size("neighbor_ids") > 0) & F.col("expert").isin(list(names))
    lists_df = ballots.neighbors_df.where(is_list).select(
        "gif_id", "expert", F.col("neighbor_ids").alias("items"), "distances"
    )
    seen_df = _summed(lists_df.mapInArrow(see_partition, from_arrow_schema(SEEN)), "tag", "expert")
    lifts = written(
        seen_df,
        lambda rows: write_lifts(rows, counts, tags.num_gifs, len(names), lift_prior, folder, local_folder()),
    )
    looks = write_mean_looks(ballots.looks_df, tags, folder) if ballots.looks_df is not None else ""
    return TagStatistics(tags, names, counts, lifts, looks)


def _summed(parts_df: DataFrame, *keys: str) -> DataFrame:
    """Each key's numbers over all parts, columns in order."""
    sums = [F.sum(name).alias(name) for name in parts_df.columns if name not in keys]
    return parts_df.groupBy(*keys).agg(*sums).select(*parts_df.columns)
