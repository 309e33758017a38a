"""neighbors and what was learned of tags -> voted_tags."""

from __future__ import annotations

from pyspark.sql import DataFrame

from autotag_core.tables import VOTED_TAGS
from jobs.run import Run
from jobs.score_tags import Learned
from udfs import votes


def vote_tags(run: Run, neighbors_df: DataFrame, learned: Learned) -> None:
    """Let the neighbors vote as published: confirm, demote and add tags; put every tag's score beside it."""
    with run.stage("votes", run.rows_out["catalog"]):
        voted_df = votes.vote_tags(neighbors_df, learned.about_df, learned.statistics, learned.judge)
        run.rows_out["votes"] = run.write(VOTED_TAGS, voted_df)
