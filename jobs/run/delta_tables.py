"""Delta tables at one version. Spark's tasks write and read their files; the driver their log, without a JVM.

Spark's own way plans and runs a query over the log at each scan, and at each look into the history. On small tables
that is most of a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pyarrow as pa
from deltalake.exceptions import DeltaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema, to_arrow_schema
from pyspark.sql.types import StructType

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.tables import Table, check_columns
from autotag_core.warehouse.data_files import ROW_GROUP_BYTES
from autotag_core.warehouse.delta import live_files, open_table
from autotag_core.warehouse.delta_commits import commit_files
from udfs.tasks.table_files import write_rows


def write_version(
    rows_df: DataFrame,
    uri: str,
    mark: str,
    table: Table | None = None,
    after: int | None = None,
    partitions: Iterable[str] | None = None,
    row_group_bytes: int = ROW_GROUP_BYTES,
) -> tuple[int, int]:
    """Write the rows as the next version of a Delta table, in one commit. Gives (version, number of rows).

    The schema is that of `table`, comments included, else that of the rows. `after` and `partitions` say which rows
    these replace, as in commit_files.
    """
    partition_by = table.partition_by if table is not None else ()
    schema = table.schema if table is not None else to_arrow_schema(rows_df.schema)
    keeps_files = table is not None and table.is_ordered
    files = write_rows(rows_df, uri, partition_by, row_group_bytes, keeps_files)
    version = commit_files(uri, files, schema, mark, partition_by, after, partitions)
    return version, sum(file.num_rows for file in files)


def write_files_alone(rows_df: DataFrame, uri: str) -> tuple[DataFrame, int]:
    """Write the rows as files that no table names, and read them back. Gives (rows, how many).

    Only files that tasks reported are read. A file of a task that failed and was tried again is not among them.
    """
    files = write_rows(rows_df, uri)
    paths = [storage.join(uri, file.path) for file in files]
    return _read_files(rows_df.sparkSession, uri, paths, rows_df.schema), sum(file.num_rows for file in files)


def restore_version(uri: str, version: int) -> int:
    """Make the rows of this version those of the newest version too. Gives the newest version.

    It costs one commit, or none. A run that was not published may have left newer versions, which no release names.
    """
    delta = open_table(uri)
    if delta.version() != version:
        delta.restore(version)
    return int(delta.version())


def has_its_files(uri: str, version: int) -> bool:
    """Whether a table has the version and every file of it is there."""
    try:
        return set(live_files(open_table(uri, version), uri)) <= set(storage.list_files(uri))
    except (DeltaError, InputError):
        return False


def read_version(spark: SparkSession, uri: str, version: int, schema: StructType) -> DataFrame:
    """The columns of the schema at a version, from the Parquet files that its log names.

    Cost: the driver holds the list of files, as it would for Delta's own reader; no job runs for up to 32 of them.
    """
    return _read_files(spark, uri, live_files(open_table(uri, version), uri), schema)


def read_table_version(spark: SparkSession, uri: str, version: int, table: Table) -> DataFrame:
    """The table at a version that some run wrote. One AutotagError lists every wrong column."""
    delta = open_table(uri, version)
    check_columns(table, pa.schema(delta.schema().to_arrow()))
    return _read_files(spark, uri, live_files(delta, uri), spark_schema(table))


def _read_files(spark: SparkSession, uri: str, files: list[str], schema: StructType) -> DataFrame:
    if not files:
        return no_rows(spark, schema)
    # a folder above the table may be called version=2, and a name may look like a pattern
    reader = spark.read.schema(schema).option("basePath", uri)
    return reader.parquet(*map(_literal, files)).select(*schema.names)


def no_rows(spark: SparkSession, schema: StructType) -> DataFrame:
    """No row with these columns. createDataFrame would start Python workers to read an empty list."""
    columns = [F.lit(None).cast(field.dataType).alias(field.name) for field in schema]
    return spark.range(0, 0, 1, 1).select(*columns)


def spark_schema(table: Table) -> StructType:
    """The table's columns as Spark knows them."""
    return from_arrow_schema(table.plain_schema)


def _literal(path: str) -> str:
    return re.sub(r"([\\{}\[\]*?])", r"\\\1", path)
