"""neighbors and media -> duplicates: groups of GIFs that are the same one in several files."""

from __future__ import annotations

import itertools

from pyspark.sql import DataFrame

from autotag_core.tables import CATALOG, DUPLICATES, MEDIA, NEIGHBORS
from jobs.run.run import Run
from udfs.duplicates import groups as duplicates


def group_duplicates(run: Run) -> None:
    """The GIFs that have near duplicates, each with its group, for voting_neighbors and copied_tags to reckon with."""
    numbers = itertools.count()

    def keep(rows_df: DataFrame) -> DataFrame:
        return run.stage_rows(f"duplicates-{next(numbers)}", rows_df)[0]

    media_df = run.read(MEDIA)
    with run.stage("duplicates", media_df.count()):
        found_df = duplicates.find_duplicates(run.read(NEIGHBORS), media_df, run.config.duplicates, keep)
        run.rows_out["duplicates"] = run.write(DUPLICATES, found_df)


def voting_neighbors(run: Run) -> DataFrame:
    """The neighbors that vote: all, or with duplicates.count_once the nearest of each group of copies."""
    if not (run.config.duplicates.count_once and DUPLICATES.name in run.table_versions):
        return run.read(NEIGHBORS)
    once_df = duplicates.distinct_neighbors(run.read(NEIGHBORS), run.read(DUPLICATES), run.config.neighbors.k)
    return run.stage_rows("voting_neighbors", once_df)[0]


def copied_tags(run: Run) -> DataFrame | None:
    """(gif_id, tag): tags that copies of a GIF came with and it did not; None without duplicates.flow_tags."""
    if not (run.config.duplicates.flow_tags and DUPLICATES.name in run.table_versions):
        return None
    return duplicates.flow_tags(run.read(CATALOG), run.read(DUPLICATES)).select("gif_id", "tag")
