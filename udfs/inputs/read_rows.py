"""Files as rows: JSON lines, CSV or Parquet, read by tasks that hold no more of a file than a row.

Spark's own readers are not used: they build a row of any size, take one file's header for that of all, and guess.
Cost: one scan; a task reads 32 MB, or one whole file where its text is compressed or CSV.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from autotag_core import inputs
from autotag_core.errors import InputError
from autotag_core.inputs import Column

IDS = (Column("gif_id"),)


def read_rows(
    spark: SparkSession, uri: str, columns: Sequence[Column], separator: str = "|", kind: inputs.Kind | None = None
) -> DataFrame:
    """The columns of each row, what is `wrong` with it (null, a column, `row`, `file`), the `problem`, its `raw` text.

    The URI is a file, or a folder whose files at all levels are read, each by its own header. Now it is only
    listed. Ask `count_rows` of the result before anything else. InputError where there is no such file.
    """
    tasks = inputs.find_parts(uri, kind)
    schema = inputs.schema(columns)

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for part in tasks[number]:
                    yield from inputs.read_part(part, columns, separator)

    numbers_df = spark.range(0, len(tasks), 1, max(len(tasks), 1))
    return numbers_df.mapInArrow(read, from_arrow_schema(schema))


def count_rows(rows_df: DataFrame) -> int:
    """How many rows there are. InputError, in one line, where a file can't be read or has other columns."""
    return count_usable(rows_df, F.lit(True))[0]


def count_usable(rows_df: DataFrame, is_usable: SparkColumn) -> tuple[int, int]:
    """How many rows there are, and for how many the condition holds; errors as of `count_rows`. Cost: one scan."""
    said = F.min(F.when(F.col("wrong") == inputs.WRONG_FILE, F.col("problem")))
    counted = rows_df.agg(F.count("*").alias("rows"), F.count_if(is_usable).alias("usable"), said.alias("said")).first()
    assert counted is not None
    if counted["said"] is not None:
        raise InputError(counted["said"])
    return counted["rows"], counted["usable"]


def read_ids(spark: SparkSession, uri: str) -> DataFrame:
    """The gif_ids of a text file, one a line; blank lines are left out. InputError where there is no such file."""
    return read_rows(spark, uri, IDS, kind="lines")
