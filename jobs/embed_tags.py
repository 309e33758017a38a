"""catalog and sessions -> embeddings of the semantic expert."""

from __future__ import annotations

from autotag_core.experts import TagSpace
from autotag_core.tables import CATALOG, EMBEDDINGS
from jobs.run import Run
from udfs import tag_vectors


def embed_tags(run: Run) -> TagSpace:
    """Fit one space of tags and sessions, then place every GIF in it; GIFs with nothing known in them abstain."""
    settings = run.config.semantic
    with run.stage("tags", run.rows_out["catalog"]):
        sessions_df = None
        if settings.sessions:
            sessions_df, num_skipped = tag_vectors.read_sessions(run.spark, settings.sessions)
            run.inputs |= {"sessions": settings.sessions, "sessions_skipped": str(num_skipped)}
        catalog_df = run.read(CATALOG)
        space = tag_vectors.fit_tag_space(catalog_df, sessions_df, settings, run.config.seed)
        run.rows_out["tags"] = run.write(EMBEDDINGS, tag_vectors.embed_tags(catalog_df, space, run.config))
    return space
