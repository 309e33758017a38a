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
from autotag_core.votes.discriminant.axes import packed, unpacked
from autotag_core.votes.discriminant.mean_looks import PARTS, Int64s
from autotag_core.votes.tally.tag_table import TagTable, open_tag_table

Int32s = npt.NDArray[np.int32]

LOOKS = pa.schema([pa.field("gif_id", pa.string()), pa.field("look", pa.binary())])
"""A GIF's look (axes.looks_of), as bytes (axes.packed)."""
LOOK_SUMS = pa.schema([pa.field("tag", pa.int32()), pa.field("num", pa.int64()), pa.field("sums", pa.binary())])
"""By a tag's number: how many train GIFs whose uploader gave it have a look, and the sums of their looks, int32."""
_ROWS_PER_BATCH = 10_000


def sum_looks(batches: Iterable[pa.RecordBatch], tags: TagTable, workspace: Path) -> Iterator[pa.RecordBatch]:
    """LOOK_SUMS of LOOKS, by tags as they were meant. Memory: 1 KB for each tag that occurs."""
    from autotag_core.votes.discriminant.look_loops import add_looks

    table, sums, nums = open_tag_table(tags, workspace), None, np.zeros(tags.num_tags, np.int64)
    for batch in batches:
        if batch.num_rows:
            looks = unpacked(batch["look"], np.int8)
            if sums is None:
                sums = np.zeros((tags.num_tags, looks.shape[1]), np.int32)
            found = table.find(batch["gif_id"], np.ones(batch.num_rows, bool))
            add_looks(table.as_meant(found, only_own=True), looks, sums, nums)
    return _sum_rows(sums, nums)


def add_sums(batches: Iterable[pa.RecordBatch], num_tags: int) -> Iterator[pa.RecordBatch]:
    """LOOK_SUMS of which each tag is there once, from LOOK_SUMS of parts."""
    sums, nums = None, np.zeros(num_tags, np.int64)
    for tags, counts, parts in _rows(batches):
        if sums is None:
            sums = np.zeros((num_tags, parts.shape[1]), np.int32)
        np.add.at(sums, tags, parts)
        np.add.at(nums, tags, counts)
    return _sum_rows(sums, nums)


def write_means(batches: Iterable[pa.RecordBatch], num_tags: int, folder: str, workspace: Path) -> str:
    """Write the mean looks of all tags to a file in the folder; gives its URI, or "" where no train GIF has a look.

    batches: LOOK_SUMS of which each tag is there once. Memory: what the file holds.
    """
    means, nums, squares = None, np.zeros(num_tags, np.int64), np.zeros(num_tags)
    for tags, counts, sums in _rows(batches):
        if means is None:
            means = np.zeros((num_tags, sums.shape[1]), np.int16)
        means[tags] = np.rint(sums * (PARTS / counts)[:, None])
        nums[tags], squares[tags] = counts, np.square(sums, dtype=np.float64).sum(axis=1)
    if means is None:
        return ""
    return write_arrays({"num": nums, "squares": squares, "means": means.ravel()}, folder, workspace)


def _rows(batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[Int32s, Int64s, Int32s]]:
    """tag (n,), num (n,) and sums (n, axes) of each batch that has rows."""
    for batch in batches:
        if batch.num_rows:
            yield batch["tag"].to_numpy(), batch["num"].to_numpy(), unpacked(batch["sums"], np.int32)


def _sum_rows(sums: Int32s | None, nums: Int64s) -> Iterator[pa.RecordBatch]:
    if sums is None:
        return
    tags = np.flatnonzero(nums)
    for start in range(0, len(tags), _ROWS_PER_BATCH):
        some = tags[start : start + _ROWS_PER_BATCH]
        columns = [pa.array(some.astype(np.int32)), pa.array(nums[some]), packed(sums[some])]
        yield pa.RecordBatch.from_arrays(columns, schema=LOOK_SUMS)
