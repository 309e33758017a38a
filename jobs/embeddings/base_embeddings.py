"""Embeddings that are made anew, put beside those that the base release has of GIFs and models that are the same."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.tables import EMBEDDINGS, NEIGHBORS
from jobs.release.choose_base import kept_experts
from jobs.run.run import Run

SAME_GIFS = "same_gifs"
"""Staged (gif_id): GIFs whose bytes and catalog row the base's rows are about."""


def adopt_embeddings(run: Run) -> None:
    """Start from the base's embeddings and neighbors, without those of experts that no longer vote."""
    for table in (EMBEDDINGS, NEIGHBORS):
        run.adopt(table)
        experts = {row["expert"] for row in run.read_base(table).select("expert").distinct().collect()}
        gone = experts - set(run.config.experts)
        if gone:
            run.replace(table, run.read_base(table).limit(0), gone)


def write_embeddings(run: Run, rows_df: DataFrame, experts: Collection[str]) -> int:
    """Write the experts' new rows and, by a model that is the base's, its rows of GIFs that are the same."""
    if run.base is None:
        return run.write(EMBEDDINGS, rows_df)
    kept = [name for name in experts if name in kept_experts(run)]
    old_df = run.read_base(EMBEDDINGS).where(F.col("expert").isin(kept))
    old_df = old_df.join(run.staged[SAME_GIFS], "gif_id", "left_semi")
    return run.replace(EMBEDDINGS, rows_df.unionByName(old_df), experts)


def num_embedded(run: Run, expert: str) -> int:
    """Rows of an expert in the embeddings of this run so far."""
    return run.read(EMBEDDINGS).where(F.col("expert") == expert).count()
