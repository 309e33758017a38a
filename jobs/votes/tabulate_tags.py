"""neighbors and catalog -> what the vote reads: lists, rows about GIFs, and the table of their tags."""

from __future__ import annotations

from pyspark.sql import DataFrame

from autotag_core import storage
from autotag_core.tables import CATALOG
from autotag_core.votes import KNOWING_SLIPS
from jobs.run.run import Run
from udfs.votes import ballots as gif_rows
from udfs.votes import misspellings as slips
from udfs.votes import tag_tables
from udfs.votes.ballots import Ballots


def tabulate_tags(run: Run, neighbors_df: DataFrame, copied_df: DataFrame | None) -> Ballots:
    """Put the tags of the catalog into one table that every task of the vote maps, with slips as vote.rule takes them.

    copied_df (gif_id, tag): tags that only copies of a GIF came with.
    """
    with run.stage("tag_table", run.rows_out["catalog"]):
        catalog_df, slips_df = run.read(CATALOG), None
        if run.config.vote.rule not in KNOWING_SLIPS:
            copied_df = None
        elif run.config.catalog.labels == "raw":  # no label is a slip of another one
            slips_df, _ = run.stage_rows("slips", slips.slips(catalog_df))
        about_df = gif_rows.about_rows(catalog_df, copied_df)
        tags = tag_tables.write_tags(about_df, slips_df, storage.join(run.staging, "tags"))
    return Ballots(neighbors_df, about_df, tags)
