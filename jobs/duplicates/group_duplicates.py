"""neighbors and media -> duplicates: groups of files that show the same GIF."""

from __future__ import annotations

from pyspark.sql import DataFrame

from autotag_core.tables import CATALOG, DUPLICATES, MEDIA, NEIGHBORS
from jobs.run.run import Run
from jobs.run.stages import stage
from udfs.duplicates import groups as duplicates


@stage("duplicates", reads=(MEDIA, NEIGHBORS), writes=(DUPLICATES,), cost="near pairs of GIFs")
def group_duplicates(run: Run) -> None:
    """Write the GIFs that have near duplicates, each with its group. voting_neighbors and copied_tags use them."""
    keep = run.staging.keeper("duplicates")
    media_df = run.tables.read(MEDIA)
    run.expect(run.tables.num_rows(MEDIA))
    found_df = duplicates.find_duplicates(run.tables.read(NEIGHBORS), media_df, run.config.duplicates, keep)
    run.facts.rows_out["duplicates"] = run.tables.write(DUPLICATES, found_df)


def voting_neighbors(run: Run) -> DataFrame:
    """The neighbors that vote: all of them, or with duplicates.count_once the nearest of each group of copies."""
    if not (run.config.duplicates.count_once and run.tables.has(DUPLICATES)):
        return run.tables.read(NEIGHBORS)
    neighbors_df, k = run.tables.read(NEIGHBORS), run.config.neighbors.k
    once_df = duplicates.distinct_neighbors(neighbors_df, run.tables.read(DUPLICATES), k)
    return run.staging.write("voting_neighbors", once_df)[0]


def copied_tags(run: Run) -> DataFrame | None:
    """(gif_id, tag): tags that a GIF lacks and copies of it came with. None without duplicates.flow_tags."""
    if not (run.config.duplicates.flow_tags and run.tables.has(DUPLICATES)):
        return None
    return duplicates.flow_tags(run.tables.read(CATALOG), run.tables.read(DUPLICATES)).select("gif_id", "tag")
