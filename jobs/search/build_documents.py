"""catalog, voted_tags and, where there are any, media, related GIFs and written tags -> search_documents."""

from __future__ import annotations

from autotag_core.tables import CATALOG, MEDIA, RELATED_GIFS, SEARCH_DOCUMENTS, VOTED_TAGS, WRITTEN_TAGS
from jobs.run.run import Run
from jobs.run.stages import stage
from udfs.search import documents as search_documents


@stage(
    "documents", reads=(CATALOG, VOTED_TAGS, MEDIA, RELATED_GIFS, WRITTEN_TAGS), writes=(SEARCH_DOCUMENTS,), cost="tags"
)
def build_search_documents(run: Run) -> None:
    """Write one document per GIF of the catalog, as Elasticsearch will hold it."""
    run.expect(run.facts.rows_out["catalog"])
    media_df = run.tables.read(MEDIA) if run.tables.has(MEDIA) else None
    related_df = run.tables.read(RELATED_GIFS) if run.tables.has(RELATED_GIFS) else None
    written_df = run.tables.read(WRITTEN_TAGS) if run.tables.has(WRITTEN_TAGS) else None
    documents_df = search_documents.build_search_documents(
        run.tables.read(CATALOG), run.tables.read(VOTED_TAGS), media_df, related_df, written_df
    )
    run.facts.rows_out["documents"] = run.tables.write(SEARCH_DOCUMENTS, documents_df)
