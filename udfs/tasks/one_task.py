"""Rows that one task writes to a file of its own, whose name the driver gets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame


def written(rows_df: DataFrame, write: Callable[[Iterable[pa.RecordBatch]], str]) -> str:
    """The URI that `write` gives for all rows, in one task."""

    def write_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"uri": [write(batches)]})

    rows = rows_df.coalesce(1).mapInArrow(write_partition, "uri string").collect()
    return str(rows[0]["uri"]) if rows else write([])
