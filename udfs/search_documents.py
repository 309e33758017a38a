"""Search documents: built natively from the catalog, the voted tags and the media, indexed by the executors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import as_raised
from autotag_core.failures import Reason, Stage
from autotag_core.search import BulkOutcome, ElasticsearchCredentials, bulk_index, elasticsearch_client
from autotag_core.tables import FAILURES

REPORT_SCHEMA = pa.schema([*FAILURES.schema, pa.field("num_indexed", pa.int64())])
REPORT_DDL = "gif_id string, stage string, reason string, message string, num_indexed bigint"


@dataclass(frozen=True)
class IndexTarget:
    """Where and how the executors index; picklable, and its repr shows no credential."""

    url: str
    index: str
    config: ElasticsearchConfig
    credentials: ElasticsearchCredentials


def build_search_documents(
    catalog_df: DataFrame,
    voted_tags_df: DataFrame,
    media_df: DataFrame | None = None,
    related_gifs_df: DataFrame | None = None,
) -> DataFrame:
    """SEARCH_DOCUMENTS: one document per catalog GIF; tags highest weight first, ties alphabetical, none: empty.

    A tag's weight, by which search ranks, is 1 where an editor gave it, else its probability or, where none is known,
    its confidence or score.
    Without media, of all GIFs or of one, nobody knows what is written there: `text` is null. Without related GIFs
    `related_gifs` is empty. Cost: each table is shuffled once by gif_id.
    """
    estimated = F.coalesce("probability", F.greatest("confidence", "score"))
    weight = F.when(F.col("source") == "editorial", F.lit(1.0).cast("float")).otherwise(estimated)
    kept = ("tag", "weight", "confidence", "accepted")
    ranked = F.sort_array(F.collect_list(F.struct((-weight).alias("rank"), *kept)))
    tags = F.transform(ranked, lambda tag: F.struct(*(tag[name].alias(name) for name in kept))).alias("tags")
    tags_df = voted_tags_df.withColumn("weight", weight).groupBy("gif_id").agg(tags)
    no_tags = F.array().cast("array<struct<tag:string,weight:float,confidence:float,accepted:boolean>>")
    documents_df = catalog_df.join(tags_df.withColumnRenamed("tags", "voted"), "gif_id", "left")
    if media_df is None:
        documents_df = documents_df.withColumn("text", F.lit(None).cast("string"))
    else:
        documents_df = documents_df.join(media_df.select("gif_id", "text"), "gif_id", "left")
    no_gifs = F.array().cast("array<string>")
    if related_gifs_df is None:
        documents_df = documents_df.withColumn("related", no_gifs)
    else:
        documents_df = documents_df.join(related_gifs_df.select("gif_id", "related"), "gif_id", "left")
    return documents_df.select(
        "gif_id",
        F.coalesce("voted", no_tags).alias("tags"),
        "caption",
        "text",
        F.coalesce("popularity", F.lit(0).cast("bigint")).alias("popularity"),
        "uri",
        F.coalesce("related", no_gifs).alias("related_gifs"),
    )


def index_documents(documents_df: DataFrame, target: IndexTarget) -> DataFrame:
    """Index the documents in target.config.writers tasks; returns the report: FAILURES columns and num_indexed.

    A row with a gif_id is a refused document, one without says how many a batch indexed. Lazy, and every action indexes
    again (to the same effect): persist or write it, then read counts and rows from there. Partitioned by gif_id, so
    that a repeated task gets the same documents.
    """

    def index_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with elasticsearch_client(target.url, target.config, target.credentials) as client:
            for outcome in bulk_index(client, target.index, _documents(batches), target.config):
                yield _report(outcome)

    return documents_df.repartition(target.config.writers, "gif_id").mapInArrow(index_partition, REPORT_DDL)


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
    """Around an action that runs `index_documents`: what an executor raised is raised here as what it was, one line."""
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
                for tag in document["tags"]:
                    for name in ("weight", "confidence"):
                        # shortest decimal of the 32-bit float: 0.7, not 0.699999988079071
                        tag[name] = float(str(np.float32(tag[name])))
                yield document


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
