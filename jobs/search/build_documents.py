"""catalog, voted_tags and, where there are any, media, related GIFs and written tags -> search_documents."""

from __future__ import annotations

from autotag_core.tables import CATALOG, MEDIA, RELATED_GIFS, SEARCH_DOCUMENTS, VOTED_TAGS, WRITTEN_TAGS
from jobs.run.run import Run
from udfs.search import documents as search_documents


def build_search_documents(run: Run) -> None:
    """One document per GIF of the catalog, as Elasticsearch will hold it."""
    with run.stage("documents", run.rows_out["catalog"]):
        media_df = run.read(MEDIA) if MEDIA.name in run.table_versions else None
        related_df = run.read(RELATED_GIFS) if RELATED_GIFS.name in run.table_versions else None
        written_df = run.read(WRITTEN_TAGS) if WRITTEN_TAGS.name in run.table_versions else None
        documents_df = search_documents.build_search_documents(
            run.read(CATALOG), run.read(VOTED_TAGS), media_df, related_df, written_df
        )
        run.rows_out["documents"] = run.write(SEARCH_DOCUMENTS, documents_df)
