"""Delta tables at one version, written and read by Spark, their log read without it.

Spark's own way plans and runs a query over the log at each scan and for each look into the history: on small tables
that is most of a run.
"""

from __future__ import annotations

import json
import re
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from autotag_core import storage
from autotag_core.delta import live_files, open_table, plain_schema
from autotag_core.delta_removal import remove_rows
from autotag_core.errors import AutotagError, InputError
from autotag_core.tables import Table, check_columns

_RECENT_COMMITS = 20


def write_version(
    rows_df: DataFrame,
    uri: str,
    mark: str,
    mode: str = "overwrite",
    partition_by: tuple[str, ...] = (),
    where: str | None = None,
    after: int | None = None,
) -> tuple[int, int]:
    """Commit the rows; (version, rows) of the commit that holds the mark, so that no other run's is taken for it.

    mode is append, or overwrite: the schema too, or of the partitions `where` names the rows alone. AutotagError where
    the table is not at version `after`, if that is given, until this writes. To overwrite rows of the same schema takes
    two commits, one without them and one with the new ones: Spark appends four times as fast as it overwrites.
    """
    if mode == "overwrite" and (emptied := _emptied(rows_df, uri, partition_by, where, after)) is not None:
        mode, where, after = "append", None, emptied
    writer = rows_df.write.format("delta").mode(mode).option("userMetadata", mark)
    if where is not None:
        writer = writer.option("replaceWhere", where)
    elif mode == "overwrite":
        writer = writer.option("overwriteSchema", "true")
    if partition_by:
        writer = writer.partitionBy(*partition_by)
    writer.save(uri)
    for commit in open_table(uri).history(_RECENT_COMMITS):
        if commit.get("userMetadata") == mark:
            version = int(commit["version"])
            _check_follows(uri, version - 1, after)
            return version, int(commit.get("operationMetrics", {}).get("numOutputRows", 0))
    raise AutotagError(f"{uri}: its history has lost the commit {mark}: is another run writing here?")


def _emptied(
    rows_df: DataFrame, uri: str, partition_by: tuple[str, ...], where: str | None, after: int | None
) -> int | None:
    """The version without the rows that are overwritten; None where these rows need another schema, or a new table."""
    try:
        delta = open_table(uri)
    except TableNotFoundError:
        return None
    _check_follows(uri, int(delta.version()), after)
    is_alike = tuple(delta.metadata().partition_columns) == partition_by and _fields(
        json.loads(delta.schema().to_json())
    ) == _fields(rows_df.schema.jsonValue())
    return remove_rows(delta, uri, where) if is_alike else None


def _fields(schema: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Names, types and comments of a schema's columns; Delta has them all nullable."""

    def text(value: object) -> str:
        return json.dumps(value, sort_keys=True).replace('"containsNull": false', '"containsNull": true')

    return [(field["name"], text(field["type"]), text(field["metadata"])) for field in schema["fields"]]


def _check_follows(uri: str, version: int, after: int | None) -> None:
    if after is not None and version != after:
        raise AutotagError(f"{uri}: another run has written here meanwhile: let one run at a time")


def restore_version(uri: str, version: int) -> int:
    """Make the rows of a version those of the newest one too; the newest version. Costs one commit, or none.

    A run that was not published has left versions behind it that nobody names.
    """
    delta = open_table(uri)
    if delta.version() != version:
        delta.restore(version)
    return int(delta.version())


def has_its_files(uri: str, version: int) -> bool:
    """Whether a table has the version, and every file of it is there."""
    try:
        return set(live_files(open_table(uri, version), uri)) <= set(storage.list_files(uri))
    except (DeltaError, InputError):
        return False


def read_version(spark: SparkSession, uri: str, version: int, schema: StructType) -> DataFrame:
    """The columns of the schema at a version, from the Parquet files that its log names.

    Cost: the driver holds the list of files, as it would for Delta's own reader; no job runs for up to 32 of them.
    """
    return _read_files(spark, uri, open_table(uri, version), schema)


def read_table_version(spark: SparkSession, uri: str, version: int, table: Table) -> DataFrame:
    """The table at a version that any run wrote; one AutotagError lists every wrong column."""
    delta = open_table(uri, version)
    check_columns(table, pa.schema(delta.schema().to_arrow()))
    return _read_files(spark, uri, delta, spark_schema(table))


def _read_files(spark: SparkSession, uri: str, delta: DeltaTable, schema: StructType) -> DataFrame:
    files = live_files(delta, uri)
    if not files:
        return spark.createDataFrame([], schema)
    # a folder above the table may be called version=2; a name may hold what would be a pattern
    reader = spark.read.schema(schema).option("basePath", _literal(uri))
    return reader.parquet(*map(_literal, files)).select(*schema.names)


def spark_schema(table: Table) -> StructType:
    """The table's columns as Spark knows them."""
    return from_arrow_schema(plain_schema(table))


def _literal(path: str) -> str:
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", path)
