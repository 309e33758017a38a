"""The space of the semantic expert -> related tags, GIFs and, from search sessions, searches."""

from __future__ import annotations

from pyspark.sql import functions as F

from autotag_core import storage
from autotag_core.config import NeighborsConfig
from autotag_core.experts import TagSpace
from autotag_core.experts.semantic.tag_space import GIF_PREFIX, TAG_PREFIX
from autotag_core.related import search_settings, token_vectors
from autotag_core.tables import CATALOG, NEIGHBORS, RELATED_GIFS, RELATED_SEARCHES, RELATED_TAGS
from jobs.run.run import Run
from udfs.embeddings import tags as tag_vectors
from udfs.related import related


def relate_tags(run: Run, space: TagSpace) -> None:
    """The nearest of each tag, of each GIF and, where search sessions are given, of each search.

    A GIF that too few sessions hold gets the first of its semantic neighbors, which are searched already: train GIFs.
    """
    config = search_settings(run.config.neighbors, run.config.related.k)
    catalog_df = run.read(CATALOG)
    with run.stage("related_tags", run.rows_out["catalog"]):
        tags = token_vectors(space, TAG_PREFIX)
        tags = tags.only(related.frequent_tags(catalog_df, run.config.related.min_tag_gifs))
        searchable = related.make_searchable(run.spark, tags, config, _folder(run, "tags"))
        run.rows_out["related_tags"] = run.write(RELATED_TAGS, related.related_tokens(run.spark, searchable, "tag"))
    with run.stage("related_gifs", run.rows_out["catalog"]):
        gifs = token_vectors(space, GIF_PREFIX)
        gifs = gifs.only(related.known_gifs(catalog_df, gifs.names))
        searchable = related.make_searchable(run.spark, gifs, config, _folder(run, "gifs"))
        neighbors_df = run.read(NEIGHBORS).where(F.col("expert") == tag_vectors.EXPERT)
        related_df = related.related_gifs(neighbors_df, searchable, config.k)
        run.rows_out["related_gifs"] = run.write(RELATED_GIFS, related_df)
    if run.config.semantic.search_sessions:
        _relate_searches(run, run.config.semantic.search_sessions, config)


def _relate_searches(run: Run, uri: str, config: NeighborsConfig) -> None:
    """A space of searches alone: what people type is another language than what they tag."""
    with run.stage("related_searches", unit="searches"):
        sessions_df, num_skipped = tag_vectors.read_sessions(run.spark, uri, "queries")
        run.inputs |= {"search_sessions": uri, "search_sessions_skipped": str(num_skipped)}
        sentences_df = related.search_sentences(sessions_df)
        space = tag_vectors.fit_space(sentences_df, run.config.semantic, run.config.seed)
        searchable = related.make_searchable(run.spark, token_vectors(space, ""), config, _folder(run, "searches"))
        related_df = related.related_tokens(run.spark, searchable, "query")
        run.rows_out["related_searches"] = run.write(RELATED_SEARCHES, related_df)


def _folder(run: Run, kind: str) -> str:
    return storage.join(run.staging, f"related-{kind}")
