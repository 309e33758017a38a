"""New embeddings, put beside those that the base has of the same GIFs by the same models."""

from __future__ import annotations

from collections.abc import Collection

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.tables import EMBEDDINGS, NEIGHBORS
from jobs.release.choose_base import kept_experts
from jobs.run.run import Run


def adopt_embeddings(run: Run) -> None:
    """Start from the base's embeddings and neighbors, without those of experts that vote no longer."""
    for table in (EMBEDDINGS, NEIGHBORS):
        run.tables.adopt(table)
        gone = {str(expert) for expert in run.tables.rows_by_expert(table)} - set(run.config.experts)
        if gone:
            run.tables.replace(table, run.tables.read_base(table).limit(0), gone)


def write_embeddings(run: Run, rows_df: DataFrame, experts: Collection[str], same_df: DataFrame | None) -> int:
    """Write the experts' new rows. Gives how many rows these experts then have.

    If an expert's model is the base's, the base's rows of GIFs that are the same are kept. same_df (gif_id): these
    GIFs; None without a base.
    """
    if same_df is None:
        return run.tables.write(EMBEDDINGS, rows_df)
    kept = [name for name in experts if name in kept_experts(run)]
    old_df = run.tables.read_base(EMBEDDINGS).where(F.col("expert").isin(kept))
    old_df = old_df.join(same_df, "gif_id", "left_semi")
    return run.tables.replace(EMBEDDINGS, rows_df.unionByName(old_df), experts)


def num_embedded(run: Run, expert: str) -> int:
    """Rows of an expert in the embeddings of this run so far."""
    return run.tables.rows_by_expert(EMBEDDINGS).get(expert, 0)
