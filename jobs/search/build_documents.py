"""catalog, voted_tags and, where there are, media, related GIFs, written tags, people, trends -> search_documents."""

from __future__ import annotations

from autotag_core.tables import CATALOG, MEDIA, PEOPLE, RELATED_GIFS, SEARCH_DOCUMENTS, TRENDS, VOTED_TAGS, WRITTEN_TAGS
from jobs.run.run import Run
from jobs.run.stages import stage
from udfs.search import documents as search_documents


@stage(
    "documents",
    reads=(CATALOG, VOTED_TAGS, MEDIA, RELATED_GIFS, WRITTEN_TAGS, PEOPLE, TRENDS),
    writes=(SEARCH_DOCUMENTS,),
    cost="tags",
)
def build_search_documents(run: Run) -> None:
    """Write one document per GIF of the catalog, as Elasticsearch will hold it."""
    run.expect(run.facts.rows_out["catalog"])
    optional = (
        run.tables.read(table) if run.tables.has(table) else None
        for table in (MEDIA, RELATED_GIFS, WRITTEN_TAGS, PEOPLE, TRENDS)
    )
    documents_df = search_documents.build_search_documents(
        run.tables.read(CATALOG), run.tables.read(VOTED_TAGS), *optional
    )
    run.facts.rows_out["documents"] = run.tables.write(SEARCH_DOCUMENTS, documents_df)
