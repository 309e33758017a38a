"""The catalog: reads its files, checks every row and splits the good ones.

Tasks read the files (udfs/inputs); everything else is native Spark expressions. Cost: one scan and one shuffle of the
rows by gif_id, to find duplicates. Rows without a gif_id are shuffled by their text, so that they don't all meet in one
task. It grows linearly with the rows. One task reads a .csv file, whose cells may hold line breaks, or a compressed
file. So a large catalog in one file should be Parquet or plain JSON lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from autotag_core import inputs, storage
from autotag_core.failures import Reason, Stage
from autotag_core.splits import TEST, TRAIN, VALIDATION
from udfs.catalog.uris import has_dots_in_key, holds_credentials, is_allowed, place_of, quoted
from udfs.inputs.read_rows import read_rows

COLUMNS = (
    inputs.Column("gif_id", "id", is_required=True),
    inputs.Column("uri", is_required=True),
    inputs.Column("tags", "texts"),
    inputs.Column("editorial_tags", "texts"),
    inputs.Column("caption", holds_breaks=True),
    inputs.Column("popularity", "integer"),
    inputs.Column("version"),
    inputs.Column("uploader"),
    inputs.Column("renditions", "texts"),
)
_MAX_SHOWN = 200  # characters of a bad row that its failure message quotes


@dataclass(frozen=True)
class CheckedCatalog:
    """`gifs_df` has the columns of the catalog table without `split`; `failures_df` has those of the failures table."""

    gifs_df: DataFrame
    failures_df: DataFrame


def read_catalog(spark: SparkSession, uri: str, csv_tag_separator: str) -> DataFrame:
    """One row for each of the catalog: COLUMNS, then `wrong`, `problem` and `raw` of udfs/inputs, `raw` never null.

    Read `count_rows` of the result before anything else of it: that raises the InputError of a file that is no catalog.
    """
    rows_df = read_rows(spark, uri, COLUMNS, csv_tag_separator)
    return rows_df.withColumn("raw", F.coalesce("raw", F.to_json(F.struct(*(column.name for column in COLUMNS)))))


def place_rows(rows_df: DataFrame, catalog_uri: str, allowed_places: Sequence[str] = ()) -> DataFrame:
    """The rows of read_catalog with the places that they name: `place` of the uri, `other_places` of the renditions,
    and those that are `refused`. A place is null where it can't be told.

    Keep the result before more is asked of it: these expressions are long, and Spark plans them anew for each question.
    """
    named_df = rows_df.withColumn("place", place_of(F.col("uri"), catalog_uri)).withColumn(
        "other_places", F.transform(_clean("renditions"), lambda uri: place_of(uri, catalog_uri))
    )
    places = storage.prefixes([storage.own_place(catalog_uri), *allowed_places])
    named = F.concat(F.array("place"), "other_places")
    return named_df.withColumn("refused", F.filter(named, lambda place: ~is_allowed(place, places)))


def is_usable() -> Column:
    """Whether a row of place_rows is wrong in nothing, if no other has its gif_id. Of usable rows one is kept."""
    return F.col("wrong").isNull() & F.col("gif_id").isNotNull() & (F.size("refused") == 0)


def check_catalog(placed_df: DataFrame, catalog_uri: str) -> CheckedCatalog:
    """Split the rows into GIFs and failures.

    Of rows with the same gif_id the first is kept, in the order: usable rows, then by uri, then by the row's text. This
    does not depend on how the file was split. Tags are trimmed; empty and repeated ones are dropped. A relative uri
    starts in the catalog's folder, with `.` and `..` resolved. A popularity that is no number, or below 0, becomes 0. A
    uri with credentials (a user, a password, a signature) fails as unsupported_uri. So does one that leads out of the
    catalog's own place, which is its bucket or folder, and of allowed_places. No message quotes a credential. All this
    holds for renditions too.
    """
    without_id = F.when(F.col("gif_id").isNull(), F.xxhash64("raw"))
    first = Window.partitionBy("gif_id", without_id).orderBy(
        F.col("wrong").isNotNull(), F.size("refused") > 0, "uri", "raw"
    )
    marked_df = placed_df.withColumn("position", F.row_number().over(first)).withColumn("reason", _reason())
    gifs_df = marked_df.where(F.col("reason").isNull()).select(
        "gif_id",
        F.col("place").alias("uri"),
        _clean("tags"),
        _clean("editorial_tags"),
        "caption",
        F.greatest(F.coalesce("popularity", F.lit(0)), F.lit(0)).alias("popularity"),
        "version",
        "uploader",
        F.col("other_places").alias("renditions"),
    )
    failures_df = marked_df.where(F.col("reason").isNotNull()).select(
        "gif_id",
        F.lit(str(Stage.CATALOG)).alias("stage"),
        "reason",
        _message(storage.own_place(catalog_uri)).alias("message"),
    )
    return CheckedCatalog(gifs_df, failures_df)


def assign_splits(
    gifs_df: DataFrame, validation_ids_df: DataFrame | None = None, test_ids_df: DataFrame | None = None
) -> DataFrame:
    """Add `split`: test for GIFs in the reviewed list, else validation for GIFs in the validation list, else train.

    Without a validation list, GIFs with editorial tags are validation.
    """
    in_validation: Column = F.size("editorial_tags") > 0
    if validation_ids_df is not None:
        gifs_df = gifs_df.join(_flag(validation_ids_df, "in_validation"), "gif_id", "left")
        in_validation = F.col("in_validation").isNotNull()
    in_test: Column = F.lit(False)
    if test_ids_df is not None:
        gifs_df = gifs_df.join(_flag(test_ids_df, "in_test"), "gif_id", "left")
        in_test = F.col("in_test").isNotNull()
    split = F.when(in_test, TEST).when(in_validation, VALIDATION).otherwise(TRAIN)
    return gifs_df.select(*(column.name for column in COLUMNS), split.alias("split"))


def _flag(ids_df: DataFrame, name: str) -> DataFrame:
    return ids_df.select("gif_id").distinct().withColumn(name, F.lit(True))


def _reason() -> Column:
    return (
        F.when(F.col("wrong") == inputs.WRONG_ROW, str(Reason.UNREADABLE_ROW))
        .when(F.col("gif_id").isNull(), str(Reason.MISSING_GIF_ID))
        .when(F.col("position") > 1, str(Reason.DUPLICATE_GIF_ID))
        .when(F.col("uri").isNull(), str(Reason.MISSING_URI))
        .when(F.size("refused") > 0, str(Reason.UNSUPPORTED_URI))
        .when(F.col("wrong").isNotNull(), str(Reason.INVALID_TAGS))
    )


def _message(own: str) -> Column:
    named = F.get("refused", F.lit(0))
    given = F.coalesce("renditions", F.array().cast("array<string>"))
    hides = F.coalesce(holds_credentials(F.col("uri")) | F.exists(given, holds_credentials), F.lit(False))
    wrong_place = (
        F.when(hides, "credentials do not belong in a uri, the environment has them: ")
        .when(named.isNull(), "the uri leads out of the catalog's bucket or file system: ")
        .when(has_dots_in_key(named), "the key of the uri holds . or .. as a part: ")
        .otherwise(
            f"the uri leads out of {own}, where the catalog is: if the job shall read it, name its place in "
            "frames.allowed_places: "
        )
    )
    said = {
        Reason.UNREADABLE_ROW: F.concat("problem", F.lit(": ")),
        Reason.MISSING_GIF_ID: F.concat(F.coalesce("problem", F.lit("no gif_id")), F.lit(" in: ")),
        Reason.DUPLICATE_GIF_ID: F.lit("another row has this gif_id: "),
        Reason.MISSING_URI: F.lit("no uri in: "),
        Reason.UNSUPPORTED_URI: wrong_place,
        Reason.INVALID_TAGS: F.concat("problem", F.lit(" in: ")),
    }
    start = F.coalesce(*(F.when(F.col("reason") == str(reason), words) for reason, words in said.items()))
    return F.concat(start, quoted(F.col("raw"), hides, _MAX_SHOWN))


def _clean(name: str) -> Column:
    given = F.coalesce(F.col(name), F.array().cast("array<string>"))
    tags = F.transform(given, lambda tag: F.trim(tag, F.lit(inputs.SPACE)))
    return F.array_distinct(F.filter(tags, lambda tag: tag.isNotNull() & (tag != ""))).alias(name)
