"""neighbors, catalog, expert_weights and scores -> voted_tags."""

from __future__ import annotations

from pyspark.sql import DataFrame

from autotag_core import storage
from autotag_core.tables import CATALOG, EXPERT_WEIGHTS, VOTED_TAGS
from jobs.run import Run
from udfs import tag_tables, votes


def vote_tags(run: Run, neighbors_df: DataFrame, scores_df: DataFrame) -> None:
    """Let the neighbors vote as published: confirm, demote and add tags; put every tag's score beside it."""
    config = run.config.vote
    with run.stage("votes", run.rows_out["catalog"]):
        weights = {row["expert"]: row["weight"] for row in run.read(EXPERT_WEIGHTS).collect()}
        catalog_df = run.read(CATALOG)
        tags = tag_tables.write_tags(votes.reference_lists(catalog_df), storage.join(run.staging, "tags"))
        published_df = votes.vote_tags(neighbors_df, catalog_df, tags, weights, config)
        run.rows_out["votes"] = run.write(VOTED_TAGS, votes.add_scores(published_df, scores_df, config))
