"""Catalog files as rows: JSON lines, CSV or Parquet. Every row is kept, readable or not. Native Spark expressions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from autotag_core.errors import InputError

if TYPE_CHECKING:
    from autotag_core.config import CatalogConfig

REQUIRED = ("gif_id", "uri")
COLUMNS = ("gif_id", "uri", "tags", "editorial_tags", "caption", "popularity", "version", "uploader")
TAG_COLUMNS = ("tags", "editorial_tags")
SUFFIXES = {".jsonl": "json", ".ndjson": "json", ".json": "json", ".csv": "csv", ".parquet": "parquet"}
SPARK_ERRORS = (PySparkException, Py4JJavaError)
"""What Spark raises for a file that it can't read. The second comes where the reading itself fails, in an executor."""
_EXTRA = "_more_cells_than_the_header_has"
_SPACE = " \t\n\r\f\v\u00a0\u3000\ufeff"


def read_catalog(spark: SparkSession, uri: str, config: CatalogConfig) -> DataFrame:
    """One row per catalog row: the COLUMNS, `invalid` (why its tags or the row can't be read, or null) and `raw`.

    The suffix decides the format: JSON lines (.jsonl, .ndjson, .json) or .csv, both also with .gz, or .parquet.
    InputError, in one line, where the catalog can't be read, its suffix is unknown or a required column is missing.
    """
    kind = file_kind(uri)
    source = spark_path(uri.rstrip("/"))
    try:
        if kind == "json":
            return _read_json_catalog(spark, source)
        if kind == "csv":
            return _read_csv(spark, source, uri, config.csv_tag_separator)
        return _read_parquet(spark, source, uri)
    except SPARK_ERRORS as error:
        raise InputError(f"{uri}: cannot be read as a catalog: {first_line(error)}") from None


def file_kind(uri: str) -> str:
    """json, csv or parquet, by the suffix. InputError for any other suffix."""
    path = uri.rstrip("/").lower()
    plain = path.removesuffix(".gz")
    kind = next((kind for suffix, kind in SUFFIXES.items() if plain.endswith(suffix)), None)
    if kind is None or (kind == "parquet" and plain != path):
        raise InputError(f"{uri}: the suffix must be {', '.join(SUFFIXES)}; all but .parquet may be followed by .gz")
    return kind


def read_id_list(spark: SparkSession, uri: str) -> DataFrame:
    """The gif_ids of a text file, one a line; blank lines are ignored. InputError where it can't be read."""
    try:
        lines_df = spark.read.text(spark_path(uri))
    except SPARK_ERRORS as error:
        raise InputError(f"{uri}: cannot be read as a list of gif_ids: {first_line(error)}") from None
    return lines_df.select(text("value").alias("gif_id")).where("gif_id is not null")


def spark_path(uri: str) -> str:
    """The path as Spark's readers take it, with escapes for the characters that Spark would match as a pattern."""
    name = uri.rstrip("/").rpartition("/")[2]
    if name.startswith(("_", ".")):
        raise InputError(f"{uri}: Spark reads no file whose name starts with {name[0]}: rename it")
    return re.sub(r"([\[\]{}*?\\])", r"\\\1", uri)


def first_line(error: Exception) -> str:
    """The one line of a Spark error that helps people, without its stack trace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.strip().startswith("at ")]
    causes = [line.partition(": ")[2] for line in lines if line.startswith("Caused by:")]
    line = (causes or lines or [type(error).__name__])[-1 if causes else 0]
    return re.sub(r" SQLSTATE: \w+;?$", "", line)[:400]


def text(column: Column | str) -> Column:
    """Trimmed text, null where nothing is left."""
    return F.nullif(trimmed(column), F.lit(""))


def trimmed(column: Column | str) -> Column:
    """The text without white space, no-break space and byte order mark at both ends."""
    return F.trim(column, F.lit(_SPACE))


def read_json_lines(spark: SparkSession, path: str) -> DataFrame:
    """Lines that are not blank: `line`, trimmed; `row`, the variant of [line]; and `is_object`.

    A line is parsed as a variant, so a wrong type in one row costs that row only. It is parsed between brackets:
    otherwise whatever follows the first object would be dropped in silence.
    """
    rows_df = spark.read.text(path).withColumn("line", trimmed("value")).where("line != ''")
    rows_df = rows_df.withColumn("row", F.try_parse_json(F.concat(F.lit("["), "line", F.lit("]"))))
    num_values = F.size(F.try_variant_get("row", "$", "array<variant>"))
    is_object = (num_values == 1) & F.col("line").endswith("}") & F.expr("schema_of_variant(row) like 'ARRAY<OBJECT%'")
    return rows_df.select("line", "row", F.coalesce(is_object, F.lit(False)).alias("is_object"))


def kind(name: str) -> Column:
    """The type of a field of `row` of read_json_lines, as schema_of_variant names it."""
    return F.expr(f"schema_of_variant(variant_get(row, '$[0].{name}'))")


def scalar(name: str) -> Column:
    """A text or number of `row` of read_json_lines as text; null where it is anything else."""
    found = F.try_variant_get("row", f"$[0].{name}", "string")
    return F.when(~kind(name).rlike("^(OBJECT|ARRAY|BOOLEAN)"), found)


def _read_json_catalog(spark: SparkSession, path: str) -> DataFrame:
    rows_df = read_json_lines(spark, path)

    def is_list_of_strings(name: str) -> Column:
        return kind(name).isNull() | kind(name).isin("VOID", "ARRAY<VOID>", "ARRAY<STRING>")

    wrong = F.when(~F.col("is_object"), "row")
    for name in TAG_COLUMNS:
        wrong = wrong.when(~is_list_of_strings(name), name)
    return rows_df.select(
        text(scalar("gif_id")).alias("gif_id"),
        text(scalar("uri")).alias("uri"),
        *(F.try_variant_get("row", f"$[0].{name}", "array<string>").alias(name) for name in TAG_COLUMNS),
        scalar("caption").alias("caption"),
        F.try_variant_get("row", "$[0].popularity", "bigint").alias("popularity"),
        scalar("version").alias("version"),
        scalar("uploader").alias("uploader"),
        wrong.alias("invalid"),
        F.col("line").alias("raw"),
    )


def _read_csv(spark: SparkSession, path: str, uri: str, separator: str) -> DataFrame:
    """The rows, quoted as RFC 4180. A tags cell is a JSON list of strings, or tags between separators.

    Missing cells at the end of a row are empty. A row with more cells than the header, or with a line break outside its
    caption, is unreadable: a comma or a quote went wrong in it, so its cells can't be told apart.
    """
    options: dict[str, bool | str] = {"header": True, "quote": '"', "escape": '"', "multiLine": True}
    names = [name.strip(_SPACE) for name in spark.read.options(**options).csv(path).columns]
    _require(names, uri)
    schema = T.StructType([T.StructField(name, T.StringType()) for name in [*names, _EXTRA]])
    csv_df = spark.read.options(**options).schema(schema).csv(path)

    def cell(name: str) -> Column:
        return F.col(name) if name in names else F.lit(None).cast("string")

    def tags(name: str) -> Column:
        listed = F.try_variant_get(F.try_parse_json(cell(name)), "$", "array<string>")
        return F.when(cell(name).rlike(r"^\s*\["), listed).otherwise(F.split(cell(name), re.escape(separator)))

    def is_wrong(name: str) -> Column:
        kind = F.schema_of_variant(F.try_parse_json(cell(name)))
        right = F.coalesce(kind.isin("ARRAY<VOID>", "ARRAY<STRING>"), F.lit(False))
        return cell(name).rlike(r"^\s*\[") & ~right

    has_break = F.concat_ws("", *(cell(name) for name in COLUMNS if name != "caption")).rlike("[\r\n]")
    never_ends = F.coalesce(cell("caption").rlike("\n$"), F.lit(False))
    wrong = F.when(F.col(_EXTRA).isNotNull() | has_break | never_ends, "row")
    for name in TAG_COLUMNS:
        wrong = wrong.when(is_wrong(name), name)
    return csv_df.select(
        text(cell("gif_id")).alias("gif_id"),
        text(cell("uri")).alias("uri"),
        *(tags(name).alias(name) for name in TAG_COLUMNS),
        cell("caption").alias("caption"),
        cell("popularity").try_cast("bigint").alias("popularity"),
        cell("version").alias("version"),
        cell("uploader").alias("uploader"),
        wrong.alias("invalid"),
        F.to_json(F.struct("*")).alias("raw"),
    )


def _read_parquet(spark: SparkSession, path: str, uri: str) -> DataFrame:
    """The columns of a catalog. Nothing else in the file is read."""
    parquet_df = spark.read.parquet(path)
    _require(parquet_df.columns, uri)
    kinds = {name: parquet_df.schema[name].dataType for name in COLUMNS if name in parquet_df.columns}
    for name, kind in kinds.items():
        is_list = name in TAG_COLUMNS
        if kind != T.ArrayType(T.StringType()) if is_list else isinstance(kind, T.ArrayType | T.MapType | T.StructType):
            wanted = "array<string>" if is_list else "bigint" if name == "popularity" else "string"
            raise InputError(f"{uri}: column {name} is {kind.simpleString()}; it must be {wanted}")

    def column(name: str, kind: str) -> Column:
        return (F.col(name) if name in kinds else F.lit(None)).try_cast(kind).alias(name)

    return parquet_df.select(
        text(column("gif_id", "string")).alias("gif_id"),
        text(column("uri", "string")).alias("uri"),
        *(column(name, "array<string>") for name in TAG_COLUMNS),
        column("caption", "string"),
        column("popularity", "bigint"),
        column("version", "string"),
        column("uploader", "string"),
        F.lit(None).cast("string").alias("invalid"),
        F.to_json(F.struct(*kinds)).alias("raw"),
    )


def _require(columns: list[str], uri: str) -> None:
    missing = [name for name in REQUIRED if name not in columns]
    if missing:
        found = ", ".join(columns[:20]) or "no columns"
        raise InputError(f"{uri}: column {' and '.join(missing)} missing; it has {found}")
