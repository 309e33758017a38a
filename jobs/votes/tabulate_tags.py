"""neighbors, catalog and embeddings -> what the vote reads: lists, rows about GIFs, their looks, the table of tags."""

from __future__ import annotations

from pyspark.sql import DataFrame

from autotag_core.tables import CATALOG, DECIDED_TAGS, DUPLICATES, EMBEDDINGS, NEIGHBORS
from autotag_core.votes import KNOWING_SLIPS, TagTable
from jobs.duplicates.group_duplicates import copied_tags, voting_neighbors
from jobs.run.run import Run
from jobs.run.stages import stage
from udfs.votes import ballots as gif_rows
from udfs.votes import looks, tag_tables
from udfs.votes import misspellings as slips
from udfs.votes.ballots import Ballots
from udfs.votes.decided import with_refused


@stage("tag_table", reads=(CATALOG, NEIGHBORS, DUPLICATES, DECIDED_TAGS, EMBEDDINGS))
def tabulate_tags(run: Run) -> Ballots:
    """The neighbors that vote, rows about GIFs, and one table of the catalog's tags, which every task of the vote maps.

    If vote.rule knows them, slips of raw tags and the tags of copies are taken in. So are tags that an editor refused
    and the uploader had given: they don't vote, but the judge learns from what speaks for them.
    """
    run.expect(run.facts.rows_out["catalog"])
    catalog_df, slips_df, copied_df = run.tables.read(CATALOG), None, None
    if run.config.vote.rule in KNOWING_SLIPS:
        copied_df = copied_tags(run)
        if run.tables.has(DECIDED_TAGS):
            copied_df = with_refused(copied_df, run.tables.read(DECIDED_TAGS))
        if run.config.catalog.labels == "raw":  # no label is a slip of another one
            slips_df, _ = run.staging.write("slips", slips.slips(catalog_df))
    about_df = gif_rows.about_rows(catalog_df, copied_df)
    tags = tag_tables.write_tags(about_df, slips_df, run.staging.place("tags"))
    return Ballots(voting_neighbors(run), about_df, tags, _looks(run, tags))


def _looks(run: Run, tags: TagTable) -> DataFrame | None:
    """LOOKS, written once, where vote.rule hears of them."""
    if run.config.vote.rule != "learned" or not run.tables.has(EMBEDDINGS):
        return None
    looks_df = looks.look(run.tables.read(EMBEDDINGS), run.config, tags.num_gifs, run.staging.place("axes"))
    return None if looks_df is None else run.staging.write("looks", looks_df)[0]
