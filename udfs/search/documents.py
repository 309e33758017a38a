"""Search documents: built natively from the catalog, the voted tags and the media, indexed by the executors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_type

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import as_raised
from autotag_core.failures import Reason, Stage
from autotag_core.tables import FAILURES, SEARCH_DOCUMENTS

if TYPE_CHECKING:
    from autotag_core.search import BulkOutcome, ElasticsearchCredentials

REPORT_SCHEMA = pa.schema([*FAILURES.schema, pa.field("num_indexed", pa.int64())])
REPORT_DDL = "gif_id string, stage string, reason string, message string, num_indexed bigint"


@dataclass(frozen=True)
class IndexTarget:
    """Where and how the executors index. It can be pickled, and its repr shows no credential."""

    url: str
    index: str
    config: ElasticsearchConfig
    credentials: ElasticsearchCredentials


def build_search_documents(
    catalog_df: DataFrame,
    voted_tags_df: DataFrame,
    media_df: DataFrame | None = None,
    related_gifs_df: DataFrame | None = None,
    written_tags_df: DataFrame | None = None,
    people_df: DataFrame | None = None,
    trends_df: DataFrame | None = None,
) -> DataFrame:
    """SEARCH_DOCUMENTS: one document per catalog GIF. Tags: highest weight first, ties alphabetical; empty without any.

    Search ranks by a tag's weight. It is 1 where an editor gave the tag, else its probability or, where none is known,
    its confidence or score. A tag that an editor refused is not there.
    Without media, of all GIFs or of one, nobody knows what is written there: `text` is null. Without related GIFs,
    written tags or people these lists are empty.
    `trend` is null for a GIF that does not rise, and `meaning` until `add_meanings`.
    Cost: each table is shuffled once by gif_id.
    """
    estimated = F.coalesce("probability", F.greatest("confidence", "score"))
    weight = F.when(F.col("source") == "editorial", F.lit(1.0).cast("float")).otherwise(estimated)
    kept = ("tag", "weight", "confidence", "accepted")
    ranked = F.sort_array(F.collect_list(F.struct((-weight).alias("rank"), *kept)))
    tags = F.transform(ranked, lambda tag: F.struct(*(tag[name].alias(name) for name in kept))).alias("tags")
    kept_df = voted_tags_df.where(F.col("source") != "refused")
    tags_df = kept_df.withColumn("weight", weight).groupBy("gif_id").agg(tags)
    documents_df = catalog_df.withColumnRenamed("tags", "said")
    for rows_df, column, name in (
        (tags_df, "tags", "tags"),
        (media_df, "text", "text"),
        (related_gifs_df, "related", "related_gifs"),
        (written_tags_df, "tags", "written_tags"),
        (None if people_df is None else known_people(people_df), "people", "people"),
        (None if trends_df is None else rising_gifs(trends_df), "trend", "trend"),
        (None, "meaning", "meaning"),
    ):
        if rows_df is not None:
            documents_df = documents_df.join(rows_df.select("gif_id", F.col(column).alias(name)), "gif_id", "left")
        else:
            documents_df = documents_df.withColumn(name, F.lit(None))
    return documents_df.select(*(_filled(item.name, item.type).alias(item.name) for item in SEARCH_DOCUMENTS.schema))


def known_people(people_df: DataFrame) -> DataFrame:
    """(gif_id, people): names of those whom the gallery knows, in the table's order."""
    ordered = F.sort_array(F.collect_list(F.struct("person", "name")))
    return people_df.where("known").groupBy("gif_id").agg(F.transform(ordered, lambda one: one["name"]).alias("people"))


def rising_gifs(trends_df: DataFrame) -> DataFrame:
    """(gif_id, trend): the higher of a GIF's scores by hour and by day, where it is above 0."""
    gifs_df = trends_df.where((F.col("kind") == "gif") & (F.col("score") > 0))
    score = F.round(F.max("score"), 2)  # changes that nobody sees would change documents
    return gifs_df.groupBy(F.col("item").alias("gif_id")).agg(score.alias("trend"))


def _filled(name: str, kind: pa.DataType) -> Column:
    """The column as the table has it. A missing list is empty, an unknown popularity 0; no meaning is null."""
    spark_type = from_arrow_type(kind)
    if pa.types.is_list(kind) and name != "meaning":  # Elasticsearch takes no vector of length 0
        return F.coalesce(F.col(name).cast(spark_type), F.array().cast(spark_type))
    return F.coalesce(F.col(name), F.lit(0)).cast(spark_type) if name == "popularity" else F.col(name).cast(spark_type)


def document_changes(documents_df: DataFrame, before_df: DataFrame) -> DataFrame:
    """SEARCH_DOCUMENTS and is_gone: what turns an index that holds the documents of before_df into one of documents_df.

    These are documents that are new or differ, and those that are gone (all else null). A 64-bit hash compares two
    documents of a GIF: a change is overlooked once in 10^19. Cost: two passes over both tables. Ids and hashes are
    shuffled; of the documents, only those that changed.
    """
    names = SEARCH_DOCUMENTS.schema.names
    marked_df = documents_df.select("gif_id", F.xxhash64(*names).alias("mark"))
    before_df = before_df.select(F.col("gif_id").alias("id_before"), F.xxhash64(*names).alias("mark_before"))
    paired_df = marked_df.join(before_df, F.col("gif_id") == F.col("id_before"), "full_outer")
    changed_df = paired_df.where(~F.col("mark").eqNullSafe(F.col("mark_before"))).select(
        F.coalesce("gif_id", "id_before").alias("gif_id"), F.col("mark").isNull().alias("is_gone")
    )
    return changed_df.join(documents_df, "gif_id", "left").select(*names, "is_gone")


def index_documents(documents_df: DataFrame, target: IndexTarget) -> DataFrame:
    """Index the documents in target.config.writers tasks; returns the report: FAILURES columns and num_indexed.

    A row with a gif_id is a refused document; a row without says how many a batch indexed. The report is lazy, and
    every action indexes again (to the same effect): persist or write it, then read counts and rows from there. It is
    partitioned by gif_id, so that a repeated task gets the same documents.
    """

    def index_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from autotag_core.search import bulk_index, elasticsearch_client

        with elasticsearch_client(target.url, target.config, target.credentials) as client:
            for outcome in bulk_index(client, target.index, _documents(batches), target.config):
                yield _report(outcome)

    return documents_df.repartition(target.config.writers, "gif_id").mapInArrow(index_partition, REPORT_DDL)


def change_documents(changes_df: DataFrame, target: IndexTarget) -> DataFrame:
    """Apply document_changes to a copy of an index. Lazy; returns the report as index_documents."""

    def change_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from autotag_core.search import bulk_change, elasticsearch_client

        changes = (
            (document["gif_id"], None if document.pop("is_gone") else document) for document in _documents(batches)
        )
        with elasticsearch_client(target.url, target.config, target.credentials) as client:
            for outcome in bulk_change(client, target.index, changes, target.config):
                yield _report(outcome)

    return changes_df.repartition(target.config.writers, "gif_id").mapInArrow(change_partition, REPORT_DDL)


def count_indexed(report_df: DataFrame) -> tuple[int, int]:
    """(documents indexed, documents refused), from the rows that finished tasks left: a repeated task counts once.

    NotPublishedError in one line where an executor gave up on Elasticsearch.
    """
    totals_df = report_df.agg(F.coalesce(F.sum("num_indexed"), F.lit(0)), F.count("gif_id"))
    with executor_errors():
        num_indexed, num_refused = totals_df.collect()[0]
    return int(num_indexed), int(num_refused)


def refused_documents(report_df: DataFrame) -> DataFrame:
    """FAILURES rows: one per refused document, with Elasticsearch's own reason as the message."""
    return report_df.where("gif_id is not null").select(*FAILURES.schema.names)


@contextmanager
def executor_errors() -> Iterator[None]:
    """Put this around an action that runs `index_documents`: it raises an executor's error as what it was, one line."""
    try:
        yield
    except Exception as error:  # PythonException, or Py4JJavaError around it where a table was written
        found = as_raised(error)
        if found is error:
            raise
        raise found from None


def _documents(batches: Iterable[pa.RecordBatch]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        for start in range(0, batch.num_rows, 1000):
            for document in batch.slice(start, 1000).to_pylist():
                for tag in document["tags"] or ():
                    for name in ("weight", "confidence"):
                        tag[name] = _shortest(tag[name])
                if document.get("trend") is not None:
                    document["trend"] = _shortest(document["trend"])
                yield document


def _shortest(number: float) -> float:
    """The shortest decimal of a 32-bit float: 0.7, not 0.699999988079071."""
    return float(str(np.float32(number)))


def _report(outcome: BulkOutcome) -> pa.RecordBatch:
    rows = [
        {
            "gif_id": refusal.gif_id,
            "stage": str(Stage.SEARCH_DOCUMENTS),
            "reason": str(Reason.REFUSED_DOCUMENT),
            "message": refusal.message,
        }
        for refusal in outcome.refused
    ]
    return pa.RecordBatch.from_pylist([*rows, {"num_indexed": outcome.num_indexed}], schema=REPORT_SCHEMA)
