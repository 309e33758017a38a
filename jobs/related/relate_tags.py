"""The space of the semantic expert -> related tags, GIFs and, from search sessions, searches."""

from __future__ import annotations

from pyspark.sql import functions as F

from autotag_core.experts import TagSpace
from autotag_core.experts.semantic.tag_space import GIF_PREFIX, TAG_PREFIX
from autotag_core.related import search_settings, token_vectors
from autotag_core.tables import CATALOG, NEIGHBORS, RELATED_GIFS, RELATED_SEARCHES, RELATED_TAGS
from jobs.run.run import Run
from jobs.run.stages import FITTED, stage
from udfs.embeddings import tags as tag_vectors
from udfs.related import related


@stage("related_tags", reads=(CATALOG,), writes=(RELATED_TAGS,), cost="tags x tags, or x log")
def relate_tags(run: Run, space: TagSpace) -> None:
    """Write the nearest tags of each tag that at least min_tag_gifs GIFs have."""
    config = search_settings(run.config.neighbors, run.config.related.k)
    run.expect(run.facts.rows_out["catalog"])
    tags = token_vectors(space, TAG_PREFIX)
    tags = tags.only(related.frequent_tags(run.tables.read(CATALOG), run.config.related.min_tag_gifs))
    searchable = related.make_searchable(run.spark, tags, config, _folder(run, "tags"))
    related_df = related.related_tokens(run.spark, searchable, "tag")
    run.facts.rows_out["related_tags"] = run.tables.write(RELATED_TAGS, related_df)


@stage("related_gifs", reads=(CATALOG, NEIGHBORS), writes=(RELATED_GIFS,), cost="GIFs in sessions x log")
def relate_gifs(run: Run, space: TagSpace) -> None:
    """Write the nearest GIFs of each GIF.

    A GIF that too few sessions hold gets the first of its semantic neighbors. These are train GIFs, and are found
    already.
    """
    config = search_settings(run.config.neighbors, run.config.related.k)
    run.expect(run.facts.rows_out["catalog"])
    gifs = token_vectors(space, GIF_PREFIX)
    gifs = gifs.only(related.known_gifs(run.tables.read(CATALOG), gifs.names))
    searchable = related.make_searchable(run.spark, gifs, config, _folder(run, "gifs"))
    neighbors_df = run.tables.read(NEIGHBORS).where(F.col("expert") == tag_vectors.EXPERT)
    related_df = related.related_gifs(neighbors_df, searchable, config.k)
    run.facts.rows_out["related_gifs"] = run.tables.write(RELATED_GIFS, related_df)


@stage(
    "related_searches",
    writes=(RELATED_SEARCHES,),
    runs_on=FITTED,
    cost="searches",
    unit="searches",
)
def relate_searches(run: Run, uri: str) -> None:
    """Write the nearest searches of each search of the sessions, in a space of searches alone.

    People don't search in the language in which they tag.
    """
    config = search_settings(run.config.neighbors, run.config.related.k)
    sessions_df, num_skipped = tag_vectors.read_sessions(run.spark, uri, "queries")
    run.note(search_sessions=uri, search_sessions_skipped=str(num_skipped))
    sentences_df = related.search_sentences(sessions_df)
    space = tag_vectors.fit_space(sentences_df, run.config.semantic, run.config.seed)
    searchable = related.make_searchable(run.spark, token_vectors(space, ""), config, _folder(run, "searches"))
    related_df = related.related_tokens(run.spark, searchable, "query")
    run.facts.rows_out["related_searches"] = run.tables.write(RELATED_SEARCHES, related_df)


def _folder(run: Run, kind: str) -> str:
    return run.staging.place(f"related-{kind}")
