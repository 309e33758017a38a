"""Catalog file -> catalog and failures tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from autotag_core import labels
from autotag_core.config import CatalogConfig
from autotag_core.errors import InputError
from autotag_core.splits import TEST, VALIDATION
from autotag_core.tables import CATALOG, FAILURES, LABELS, WRITTEN_TAGS, Table
from jobs.run.run import Run
from jobs.run.stages import stage
from udfs.catalog import check as catalog
from udfs.catalog import files as catalog_files
from udfs.labels.labels import to_labels
from udfs.reuse.row_digests import same_rows


@stage("catalog", writes=(CATALOG, WRITTEN_TAGS, FAILURES), reads=(LABELS,), cost="rows of the catalog", unit="rows")
def read_catalog(run: Run, catalog_uri: str) -> None:
    """Check every row, split the good ones, keep the others as failures; InputError if not one row is usable."""
    with ExitStack() as kept:
        checked, num_rows = checked_rows(run.spark, catalog_uri, run.config.catalog, kept)
        run.expect(num_rows)
        gifs_df = checked.gifs_df
        if run.config.catalog.labels == "engineered":
            gifs_df = _in_label_space(run, gifs_df, kept)
        num_gifs = _write(run, CATALOG, gifs_df, kept)
        run.failures.add(checked.failures_df)
        run.facts.rows_out["catalog"] = num_gifs
    run.note(catalog=catalog_uri)


def checked_rows(
    spark: SparkSession, uri: str, settings: CatalogConfig, kept: ExitStack
) -> tuple[catalog.CheckedCatalog, int]:
    """The catalog's usable rows with their split and its others as failures, and how many rows it has.

    The file is read now and once, for as long as `kept` is open; InputError where it can't be, or has no usable row.
    """
    with _readable(uri):
        rows_df, num_rows = _keep(kept, catalog_files.read_catalog(spark, uri, settings))
    lists = {}
    for name, list_uri in ((VALIDATION, settings.validation_list), (TEST, settings.test_list)):
        with _readable(list_uri or ""):
            lists[name] = _keep(kept, catalog_files.read_id_list(spark, list_uri))[0] if list_uri else None
    checked = catalog.check_catalog(rows_df, uri)
    _refuse_empty(checked, uri)
    gifs_df = catalog.assign_splits(checked.gifs_df, lists[VALIDATION], lists[TEST])
    return replace(checked, gifs_df=gifs_df), num_rows


def failures_by_reason(failures_df: DataFrame) -> str:
    """Such as `3 x invalid_tags, 1 x missing_gif_id`; empty where there are none."""
    counts = failures_df.groupBy("reason").count().orderBy(F.desc("count"), "reason").collect()
    return ", ".join(f"{row['count']} x {row['reason']}" for row in counts)


def _in_label_space(run: Run, gifs_df: DataFrame, kept: ExitStack) -> DataFrame:
    """The rows of the catalog table with labels for tags; the tags themselves are written to `written_tags`."""
    found, version = labels.read_labels(run.warehouse)
    written_df = gifs_df.withColumn("written", F.col("tags"))
    labelled_df, _ = _keep(kept, to_labels(written_df, found))
    _write(run, WRITTEN_TAGS, labelled_df.select("gif_id", F.col("written").alias("tags"), "other_tags"), kept)
    run.tables.versions[LABELS.name] = version
    run.note(labels=f"{found.num_rows} labels, version {version}")
    return labelled_df.drop("written", "other_tags")


def _write(run: Run, table: Table, rows_df: DataFrame, kept: ExitStack) -> int:
    """Write the table, unless the base has the same rows; how many they are."""
    if run.base is None or table.name not in run.base.table_versions:
        return run.tables.write(table, rows_df)
    rows_df, num_rows = _keep(kept, rows_df)
    if not same_rows(rows_df, run.tables.read_base(table)):
        return run.tables.write(table, rows_df)
    run.tables.adopt(table)
    return num_rows


def _keep(kept: ExitStack, rows_df: DataFrame) -> tuple[DataFrame, int]:
    """The rows, read now and once, and their number: both tables come from one reading of a file that may change."""
    rows_df = rows_df.persist(StorageLevel.DISK_ONLY)

    def drop() -> None:
        with suppress(Exception):  # where Spark is gone, its first error is the one to explain
            rows_df.unpersist()

    kept.callback(drop)
    return rows_df, rows_df.count()


@contextmanager
def _readable(uri: str) -> Iterator[None]:
    """Only what is read here can be the file's fault: what Spark says of it is one line about the file."""
    try:
        yield
    except catalog_files.SPARK_ERRORS as error:
        raise InputError(f"{uri}: cannot be read: {catalog_files.first_line(error)}") from error


def _refuse_empty(checked: catalog.CheckedCatalog, uri: str) -> None:
    if checked.gifs_df.head(1):
        return
    raise InputError(f"{uri}: not one usable row: {failures_by_reason(checked.failures_df) or 'it has no rows'}")
