"""Catalog file -> catalog and failures tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.storagelevel import StorageLevel

from autotag_core import labels
from autotag_core.errors import InputError
from autotag_core.tables import CATALOG, LABELS, WRITTEN_TAGS, Table
from jobs.run import Run
from udfs import catalog, catalog_files
from udfs.changes import same_rows
from udfs.labels import to_labels


def read_catalog(run: Run, catalog_uri: str) -> None:
    """Check every row, split the good ones, keep the others as failures; InputError if not one row is usable."""
    settings = run.config.catalog
    with run.stage("catalog", unit="rows"), ExitStack() as kept:
        with _readable(catalog_uri):
            rows_df, num_rows = _keep(kept, catalog_files.read_catalog(run.spark, catalog_uri, settings))
        run.progress.expect(num_rows)
        lists = {}
        for name, uri in (("validation", settings.validation_list), ("test", settings.test_list)):
            with _readable(uri or ""):
                lists[name] = _keep(kept, catalog_files.read_id_list(run.spark, uri))[0] if uri else None
        checked = catalog.check_catalog(rows_df, catalog_uri)
        _refuse_empty(checked, catalog_uri)
        gifs_df = catalog.assign_splits(checked.gifs_df, lists["validation"], lists["test"])
        if settings.labels == "engineered":
            gifs_df = _in_label_space(run, gifs_df, kept)
        num_gifs = _write(run, CATALOG, gifs_df, kept)
        num_failures = run.add_failures(checked.failures_df)
        run.rows_in["catalog"] = num_gifs + num_failures
        run.rows_out["catalog"] = num_gifs
    run.inputs["catalog"] = catalog_uri


def _in_label_space(run: Run, gifs_df: DataFrame, kept: ExitStack) -> DataFrame:
    """The rows of the catalog table with labels for tags; the tags themselves are written to `written_tags`."""
    found, version = labels.read_labels(run.warehouse)
    written_df = gifs_df.withColumn("written", F.col("tags"))
    labelled_df, _ = _keep(kept, to_labels(written_df, found))
    _write(run, WRITTEN_TAGS, labelled_df.select("gif_id", F.col("written").alias("tags"), "other_tags"), kept)
    run.table_versions[LABELS.name] = version
    run.inputs["labels"] = f"{found.num_rows} labels, version {version}"
    return labelled_df.drop("written", "other_tags")


def _write(run: Run, table: Table, rows_df: DataFrame, kept: ExitStack) -> int:
    """Write the table, unless the base has the same rows; how many they are."""
    if run.base is None or table.name not in run.base.table_versions:
        return run.write(table, rows_df)
    rows_df, num_rows = _keep(kept, rows_df)
    if not same_rows(rows_df, run.read_base(table)):
        return run.write(table, rows_df)
    run.adopt(table)
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
    counts = checked.failures_df.groupBy("reason").count().orderBy(F.desc("count"), "reason").collect()
    seen = ", ".join(f"{row['count']} x {row['reason']}" for row in counts) or "it has no rows"
    raise InputError(f"{uri}: not one usable row: {seen}")
