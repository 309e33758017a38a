"""The catalog: check every row, split the good ones. All of it native Spark expressions.

Cost: one scan and one shuffle of the rows by gif_id (to find duplicates); grows linearly with the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from autotag_core import storage
from autotag_core.failures import Reason, Stage
from udfs.catalog_files import COLUMNS, text, trimmed

_MAX_SHOWN = 200  # characters of a bad row that its failure message quotes


@dataclass(frozen=True)
class CheckedCatalog:
    """`gifs_df` has the columns of the catalog table without `split`; `failures_df` those of the failures table."""

    gifs_df: DataFrame
    failures_df: DataFrame


def check_catalog(rows_df: DataFrame, catalog_uri: str) -> CheckedCatalog:
    """Split the rows into GIFs and failures.

    Of rows with the same gif_id the first is kept, in the order: usable rows, then by uri, then by the row's text; it
    does not depend on how the file was split. Tags are trimmed, empty and repeated ones dropped. A relative uri is
    taken from the catalog's folder. A popularity that is no number, or below 0, is 0.
    """
    first = Window.partitionBy("gif_id").orderBy(F.col("invalid").isNotNull(), F.col("uri").isNull(), "uri", "raw")
    marked_df = rows_df.withColumn("position", F.row_number().over(first)).withColumn("reason", _reason())
    is_absolute = F.col("uri").rlike("^([A-Za-z][A-Za-z0-9+.-]*://|file:|/)")
    in_folder = F.concat(F.lit(_folder(catalog_uri)), F.regexp_replace("uri", r"^(\./+)+", ""))
    gifs_df = marked_df.where(F.col("reason").isNull()).select(
        "gif_id",
        F.when(is_absolute, F.col("uri")).otherwise(in_folder).alias("uri"),
        _clean("tags"),
        _clean("editorial_tags"),
        text("caption").alias("caption"),
        F.greatest(F.coalesce("popularity", F.lit(0)), F.lit(0)).cast("bigint").alias("popularity"),
        text("version").alias("version"),
    )
    failures_df = marked_df.where(F.col("reason").isNotNull()).select(
        "gif_id",
        F.lit(str(Stage.CATALOG)).alias("stage"),
        "reason",
        _message().alias("message"),
    )
    return CheckedCatalog(gifs_df, failures_df)


def assign_splits(
    gifs_df: DataFrame, validation_ids_df: DataFrame | None = None, test_ids_df: DataFrame | None = None
) -> DataFrame:
    """Add `split`: test for GIFs in the reviewed list, else validation for GIFs in the validation list (without a list:
    for GIFs with editorial tags), else train.
    """
    in_validation: Column = F.size("editorial_tags") > 0
    if validation_ids_df is not None:
        gifs_df = gifs_df.join(_flag(validation_ids_df, "in_validation"), "gif_id", "left")
        in_validation = F.col("in_validation").isNotNull()
    in_test: Column = F.lit(False)
    if test_ids_df is not None:
        gifs_df = gifs_df.join(_flag(test_ids_df, "in_test"), "gif_id", "left")
        in_test = F.col("in_test").isNotNull()
    split = F.when(in_test, "test").when(in_validation, "validation").otherwise("train")
    return gifs_df.select(*COLUMNS, split.alias("split"))


def _folder(uri: str) -> str:
    """Where relative uris start: a path for file: URIs too, so that a name with % in it stays what it is."""
    folder, slash, _ = uri.rstrip("/").rpartition("/")
    return f"{storage.local_path(folder)}/" if folder.startswith("file:") else folder + slash


def _flag(ids_df: DataFrame, name: str) -> DataFrame:
    return ids_df.select("gif_id").distinct().withColumn(name, F.lit(True))


def _reason() -> Column:
    return (
        F.when(F.col("invalid") == "row", str(Reason.UNREADABLE_ROW))
        .when(F.col("gif_id").isNull(), str(Reason.MISSING_GIF_ID))
        .when(F.col("position") > 1, str(Reason.DUPLICATE_GIF_ID))
        .when(F.col("uri").isNull(), str(Reason.MISSING_URI))
        .when(F.col("invalid").isNotNull(), str(Reason.INVALID_TAGS))
    )


def _message() -> Column:
    shown = F.substring("raw", 1, _MAX_SHOWN)
    return (
        F.when(F.col("reason") == str(Reason.UNREADABLE_ROW), F.concat(F.lit("not a row of a catalog: "), shown))
        .when(F.col("reason") == str(Reason.MISSING_GIF_ID), F.concat(F.lit("no gif_id in: "), shown))
        .when(F.col("reason") == str(Reason.DUPLICATE_GIF_ID), F.concat(F.lit("another row has this gif_id: "), shown))
        .when(F.col("reason") == str(Reason.MISSING_URI), F.concat(F.lit("no uri in: "), shown))
        .otherwise(F.concat("invalid", F.lit(" is not a list of strings in: "), shown))
    )


def _clean(name: str) -> Column:
    tags = F.transform(F.coalesce(F.col(name), F.array().cast("array<string>")), trimmed)
    return F.array_distinct(F.filter(tags, lambda tag: tag.isNotNull() & (tag != ""))).alias(name)
