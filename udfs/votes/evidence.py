"""Neighbors and catalog in, the evidence on the (GIF, tag) pairs of chosen GIFs out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.votes import TagStatistics, evidence_schema, gif_blocks, open_statistics
from udfs.tasks.local_folder import local_folder
from udfs.votes.ballots import Ballots

if TYPE_CHECKING:
    from autotag_core.config import VoteConfig

BLOCK_ROWS = 8_192
"""Rows of GIFs that are judged at once: about 100 MB of lists, tags and evidence."""


def gather_evidence(ballots: Ballots, chosen_df: DataFrame, statistics: TagStatistics, config: VoteConfig) -> DataFrame:
    """The columns of autotag_core.votes.evidence_schema for every tag of a GIF of chosen_df (gif_id), of a neighbor
    and of a copy of it.

    A GIF's own tags are its uploader's; experts are judged by the editor's. Cost: both tables are read once. The lists
    of the chosen GIFs are shuffled by GIF. About 150 rows a GIF.
    """
    experts = list(statistics.experts)

    def gather_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from autotag_core.votes.evidence.gather import evidence_rows

        known = open_statistics(statistics, local_folder())
        for block in gif_blocks(batches, experts, BLOCK_ROWS):
            yield evidence_rows(block, known, experts, config)

    rows_df = ballots.rows(experts, chosen_df)
    return rows_df.mapInArrow(gather_partition, from_arrow_schema(evidence_schema(experts)))


def judged_pairs(evidence_df: DataFrame, truth_df: DataFrame) -> DataFrame:
    """The evidence on the pairs of GIFs with a truth (gif_id, truth, own), with is_right and lacks.

    is_right: whether the truth has the tag. lacks: whether the truth has any tag that the GIF did not come with.
    """
    lacks = F.size(F.array_except("truth", "own")) > 0
    pairs_df = evidence_df.join(truth_df.select("gif_id", "truth", lacks.alias("lacks")), "gif_id")
    return pairs_df.withColumn("is_right", F.array_contains("truth", F.col("tag"))).drop("truth")
