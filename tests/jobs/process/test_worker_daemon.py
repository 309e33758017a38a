"""Python workers import the pyspark that this process has, not the archive that Spark puts before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyspark
from pyspark.sql import SparkSession


def _place(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import py4j

    for _ in batches:
        yield pa.RecordBatch.from_pydict({"pyspark": [pyspark.__file__], "py4j": [py4j.__file__]})


def test_a_worker_has_pyspark_where_python_keeps_it_compiled(spark: SparkSession) -> None:
    import py4j

    found = spark.range(0, 1, 1, 1).mapInArrow(_place, "pyspark string, py4j string").first()

    assert found == (pyspark.__file__, py4j.__file__)
