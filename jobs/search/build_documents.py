"""catalog, voted_tags and, where there are, media, related GIFs, written tags, people, trends -> search_documents."""

from __future__ import annotations

from pyspark.sql import DataFrame

from autotag_core.errors import AutotagError
from autotag_core.tables import CATALOG, MEDIA, PEOPLE, RELATED_GIFS, SEARCH_DOCUMENTS, TRENDS, VOTED_TAGS, WRITTEN_TAGS
from autotag_core.warehouse import table_uri
from jobs.release.choose_base import MEANING
from jobs.run.delta_tables import read_table_version
from jobs.run.run import Run
from jobs.run.stages import stage
from udfs.search import documents as search_documents
from udfs.search.meanings import add_meanings


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
    if run.config.elasticsearch.meaning:
        documents_df = add_meanings(documents_df, run.config.text, _known(run))
    run.facts.rows_out["documents"] = run.tables.write(SEARCH_DOCUMENTS, documents_df)


def documents_before(run: Run) -> DataFrame:
    """The documents of the base. AutotagError where it has none, or has columns of another version."""
    assert run.base is not None
    name = SEARCH_DOCUMENTS.name
    if name not in run.base.table_versions:
        raise AutotagError(f"run {run.base.run_id} has no {name}")
    uri = table_uri(run.warehouse, name)
    return read_table_version(run.spark, uri, run.base.table_versions[name], SEARCH_DOCUMENTS)


def _known(run: Run) -> DataFrame | None:
    """The base's documents, where the model of this night has made their meanings."""
    version = run.facts.inputs.versions[MEANING]
    if run.base is None or run.base.inputs.versions.get(MEANING) != version:
        return None
    try:
        return documents_before(run)
    except AutotagError:  # a release of another version
        return None
