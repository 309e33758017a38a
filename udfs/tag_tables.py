"""Tags in, one table in files out, which every task of the vote maps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame

from autotag_core.voting import TagTable, write_tag_table
from udfs.neighbors import local_folder

_TABLE = "names string, slices array<string>, num_gifs bigint, num_tags bigint"


def write_tags(tags_df: DataFrame, folder: str, slice_gifs: int | None = None) -> TagTable:
    """The table of (gif_id, tags), a GIF once and its tags distinct, written at once under `folder` (local or s3a).

    One task reads all rows as they come and writes all files, without a shuffle: 4 s a million GIFs. The driver gets
    the files' names. Readers need the folder until what they make of it is written: the caller deletes it.
    """
    limit = {} if slice_gifs is None else {"slice_gifs": slice_gifs}

    def write_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        table = write_tag_table(((one["gif_id"], one["tags"]) for one in batches), folder, local_folder(), **limit)
        yield pa.RecordBatch.from_pylist([vars(table)])

    rows = tags_df.select("gif_id", "tags").coalesce(1).mapInArrow(write_partition, _TABLE).collect()
    if not rows:  # Spark starts no task for what it knows to be empty
        return write_tag_table([], folder, local_folder())
    (row,) = rows
    return TagTable(row["names"], tuple(row["slices"]), row["num_gifs"], row["num_tags"])
