"""search_documents -> Elasticsearch, counted against the table. Documents that it refuses -> failures.

If the index that readers see holds the documents of the base, and few differ, these are changed in a copy of it. Else a
new index is filled. Publication moves the alias to the run's own index, which nobody has read before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core import search
from autotag_core.errors import AutotagError, NotPublishedError
from autotag_core.failures import Stage
from autotag_core.tables import FAILURES, SEARCH_DOCUMENTS
from jobs.run.run import Run
from jobs.run.stages import stage
from jobs.search.build_documents import documents_before
from jobs.search.index_alias import Index, serves_release
from udfs.search import documents as search_documents


@stage("index", reads=(SEARCH_DOCUMENTS,), writes=(FAILURES,), cost="documents that differ, or all", unit="documents")
def index_documents(run: Run, index: Index) -> None:
    """Bring the run's documents into an index, and count them there.

    NotPublishedError where the index lacks a document that it did not refuse, or refused too many.
    """
    num_documents = run.facts.rows_out["documents"]
    run.expect(num_documents)
    found = _changes(run, index)
    copy = _copied(run, index) if found is not None else None
    if found is None or copy is None:
        run.note(index="filled")
        run.facts.elasticsearch_index, num_found, num_refused = fill_index(
            index, run.run_id, run.tables.read(SEARCH_DOCUMENTS), run.failures.add
        )
    else:
        changes_df, num_changes = found
        run.note(index=f"changed: {num_changes} of {num_documents} documents")
        run.facts.elasticsearch_index = copy
        num_found, num_refused = _change_index(run, index, changes_df)
    run.facts.gates["documents"] = f"{num_found} found, {num_documents} in the table, {num_refused} refused"
    search.check_count(num_found, num_documents, num_refused, index.config)
    run.facts.rows_out["index"] = num_found


def fill_index(
    index: Index, run_id: str, documents_df: DataFrame, add_failures: Callable[[DataFrame], Any]
) -> tuple[str, int, int]:
    """Fill a new index from the executors. Gives its name, how many documents it holds, and how many it refused."""
    name = search.create_index(index.client, index.owner, run_id, index.config)
    with _done(search_documents.index_documents(documents_df, index.target(name))) as (num_refused, refused_df):
        add_failures(refused_df)
    return name, search.finish_index(index.client, name, index.config), num_refused


@contextmanager
def _done(report_df: DataFrame) -> Iterator[tuple[int, DataFrame]]:
    """How many documents were refused, and these as rows of `failures`.

    The report is lazy. It is persisted for the block, so that what it reports is done once.
    """
    report_df = report_df.persist()
    try:
        _, num_refused = search_documents.count_indexed(report_df)
        yield num_refused, search_documents.refused_documents(report_df)
    finally:
        report_df.unpersist()


def _changes(run: Run, index: Index) -> tuple[DataFrame, int] | None:
    """What differs from the index that readers see, and how many documents. None where a new index is to be filled."""
    if run.base is None or not serves_release(index, run.base):
        return None
    try:
        before_df = documents_before(run)
    except AutotagError as error:  # no such table, or columns of another version
        run.log.info("documents not compared", reason=str(error))
        return None
    changes_df = search_documents.document_changes(run.tables.read(SEARCH_DOCUMENTS), before_df)
    changes_df, num_changes = run.staging.write("changed_documents", changes_df)
    run.log.info("documents compared", differ=num_changes)
    if num_changes > index.config.max_changed_share * run.facts.rows_out["documents"]:
        return None
    return changes_df, num_changes


def _copied(run: Run, index: Index) -> str | None:
    """This run's copy of the index that readers see; None where Elasticsearch makes none."""
    assert run.base is not None and run.base.elasticsearch_index is not None
    source = run.base.elasticsearch_index
    try:
        return search.copy_index(index.client, source, index.owner, run.run_id, index.config)
    except NotPublishedError as error:  # if it can't be asked at all, a new index can't be filled either
        run.log.warning("index not copied, a new one is filled", index=source, reason=str(error))
        return None


def _change_index(run: Run, index: Index, changes_df: DataFrame) -> tuple[int, int]:
    """Apply the changes to the copy. Gives how many documents it then holds, and how many of the table's it refuses."""
    name = run.facts.elasticsearch_index
    assert name is not None
    refused_before_df = run.tables.read_base(FAILURES).where(F.col("stage") == str(Stage.SEARCH_DOCUMENTS))
    still_df = refused_before_df.join(changes_df.select("gif_id"), "gif_id", "left_anti")
    with _done(search_documents.change_documents(changes_df, index.target(name))) as (_, refused_df):
        num_refused = run.failures.add(refused_df.unionByName(still_df))
    return search.finish_index(index.client, name, index.config), num_refused
