"""Experts vote: count neighbors' tags, weight, sum, bound, normalise; and score every tag.

Cost: one shuffle, of the neighbor lists as they are, by GIF. No neighbor is shuffled to meet its tags: every task maps
the table of tags (udfs/votes/tag_tables.py) and votes on whole GIFs in compiled loops. It grows linearly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core.tables import VOTED_TAGS
from autotag_core.votes import PUBLISHED, Judge, TagStatistics, gif_blocks, open_statistics, open_tag_table
from udfs.tasks.local_folder import local_folder
from udfs.votes.ballots import Ballots, gif_rows
from udfs.votes.evidence import BLOCK_ROWS

if TYPE_CHECKING:
    from autotag_core.config import VoteConfig

PUBLISHED_BLOCK_ROWS = 32_768
"""Rows of GIFs that are voted on at once without scores: about 20 MB of lists with their tags."""


def vote_tags(ballots: Ballots, statistics: TagStatistics, judge: Judge) -> DataFrame:
    """VOTED_TAGS rows: the published dataset (see publish_tags), each tag's score beside it, and proposed tags.

    These are the scoring rule's best (autotag_core/votes/result/voted_tags.py). The judge, a few KB, is sent to tasks.
    """
    experts = list(statistics.experts)

    def vote_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from autotag_core.votes.result.voted_tags import voted_rows

        known = open_statistics(statistics, local_folder())
        for block in gif_blocks(batches, experts, BLOCK_ROWS):
            yield voted_rows(block, known, judge)

    return ballots.rows(experts).mapInArrow(vote_partition, from_arrow_schema(VOTED_TAGS.schema))


def publish_tags(ballots: Ballots, weights: Mapping[str, float], config: VoteConfig) -> DataFrame:
    """The published dataset alone: VOTED_TAGS rows without score, probability and accepted.

    See VoteConfig for the choices that the rule's text leaves open.

    A tag's vote is the sum over experts of weight times neighbors with that tag. A train GIF keeps its original tags:
    at 1.0 with a vote from any expert (confirmed) or an editor's word (editorial), at unconfirmed_confidence with
    neither. A new tag comes in with its normalised vote if the vote reaches lower_bound. Validation and test GIFs keep
    exactly their tags at 1.0, editorial or original. So does a GIF that no expert has neighbors for, since nobody was
    asked about it. An expert without a weight was never judged and has no say at all.
    """
    experts = sorted(weights)
    nearest, tags = F.slice("neighbor_ids", 1, config.neighbors), ballots.tags
    lists_df = ballots.neighbors_df.where(F.col("expert").isin(experts)).select(
        "gif_id", "expert", nearest.alias("neighbor_ids"), F.lit(None).cast("array<float>").alias("distances")
    )

    def vote_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from autotag_core.votes.published.publish import published_rows

        table = open_tag_table(tags, local_folder())
        for block in gif_blocks(batches, experts, PUBLISHED_BLOCK_ROWS):
            yield published_rows(block, table, weights, config)

    return gif_rows(lists_df, ballots.about_df).mapInArrow(vote_partition, from_arrow_schema(PUBLISHED))
