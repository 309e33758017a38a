"""Sums of the looks of each tag's train GIFs. Parts are added in any order, and one file holds the means of all tags.

Of t tags and d axes the file holds 2 t d + 16 t bytes: half a KB a tag.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from autotag_core.storage.arrays import write_arrays
from autotag_core.votes.discriminant.axes import as_bytes, stacked
from autotag_core.votes.discriminant.mean_looks import PARTS, Int64s
from autotag_core.votes.tally.tag_table import TagTable, open_tag_table

LOOKS = pa.schema([pa.field("gif_id", pa.string()), pa.field("look", pa.binary())])
"""A GIF's look (axes.looks_of), as bytes (axes.as_bytes)."""
LOOK_SUMS = pa.schema([pa.field("tag", pa.int32()), pa.field("num", pa.int64()), pa.field("sums", pa.binary())])
"""By a tag's number: how many train GIFs whose uploader gave it have a look, and the sums of their looks, int32."""
_ROWS_PER_BATCH = 10_000


def sum_looks(batches: Iterable[pa.RecordBatch], tags: TagTable, workspace: Path) -> Iterator[pa.RecordBatch]:
    """LOOK_SUMS of LOOKS, by tags as they were meant. Memory: 1 KB for each tag that occurs."""
    from autotag_core.votes.discriminant.look_loops import add_looks

    table, sums, nums = open_tag_table(tags, workspace), None, np.zeros(tags.num_tags, np.int64)
    for batch in batches:
        if batch.num_rows:
            looks = stacked(batch["look"], np.int8)
            if sums is None:
                sums = np.zeros((tags.num_tags, looks.shape[1]), np.int32)
            found = table.find(batch["gif_id"], np.ones(batch.num_rows, bool))
            add_looks(table.as_meant(found, only_own=True), looks, sums, nums)
    return _sum_rows(sums, nums)


def add_sums(batches: Iterable[pa.RecordBatch], num_tags: int) -> Iterator[pa.RecordBatch]:
    """LOOK_SUMS of which each tag is there once, from LOOK_SUMS of parts."""
    return _sum_rows(*_added(batches, num_tags))


def write_means(batches: Iterable[pa.RecordBatch], num_tags: int, folder: str, workspace: Path) -> str:
    """Write the mean looks of all tags to a file in the folder; gives its URI, or "" where no train GIF has a look."""
    sums, nums = _added(batches, num_tags)
    if sums is None:
        return ""
    squares = np.square(sums, dtype=np.float64).sum(axis=1)
    means = np.rint(sums * (PARTS / np.maximum(nums, 1))[:, None]).astype(np.int16)
    return write_arrays({"num": nums, "squares": squares, "means": means.ravel()}, folder, workspace)


def _added(batches: Iterable[pa.RecordBatch], num_tags: int) -> tuple[npt.NDArray[np.int32] | None, Int64s]:
    sums, nums = None, np.zeros(num_tags, np.int64)
    for batch in batches:
        if batch.num_rows:
            tags, parts = batch["tag"].to_numpy(), stacked(batch["sums"], np.int32)
            if sums is None:
                sums = np.zeros((num_tags, parts.shape[1]), np.int32)
            np.add.at(sums, tags, parts)
            np.add.at(nums, tags, batch["num"].to_numpy())
    return sums, nums


def _sum_rows(sums: npt.NDArray[np.int32] | None, nums: Int64s) -> Iterator[pa.RecordBatch]:
    if sums is None:
        return
    tags = np.flatnonzero(nums)
    for start in range(0, len(tags), _ROWS_PER_BATCH):
        some = tags[start : start + _ROWS_PER_BATCH]
        columns = [pa.array(some.astype(np.int32)), pa.array(nums[some]), as_bytes(sums[some])]
        yield pa.RecordBatch.from_arrays(columns, schema=LOOK_SUMS)
