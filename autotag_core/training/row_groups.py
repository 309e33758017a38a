"""Rows of Parquet files in a given order, read ahead by threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from numpy.typing import NDArray

from autotag_core import storage
from autotag_core.errors import AutotagError
from autotag_core.training.clips import Row
from autotag_core.training.index import RowGroup

_COLUMNS = ["gif_id", "uri", "version", "frames"]
_OPEN_FILES = 128
"""Files that are kept open, each with its footer: 0.7 KB for every column of every row group."""


@dataclass(frozen=True)
class Visit:
    """A row group that is read, and its wanted rows, in their order."""

    group: RowGroup
    rows: NDArray[np.int32]


def iter_rows(
    filesystem: pafs.FileSystem, visits: Iterable[Visit], num_readers: int, ahead: int
) -> Generator[Row, None, None]:
    """The wanted rows of each visit, in the order of the visits, whichever thread is done first.

    A row group may be visited any number of times, and is read each time. Memory: the wanted rows of `ahead` visits,
    and the `num_readers` row groups that are being read. AutotagError names the file that can't be read. Closing the
    iterator ends the threads.
    """
    read, left = _visitor(filesystem), iter(visits)
    pool = ThreadPoolExecutor(num_readers, "row-groups")
    try:
        waiting = deque(pool.submit(read, visit) for visit in islice(left, ahead))
        while waiting:
            rows = waiting.popleft().result()
            waiting.extend(pool.submit(read, visit) for visit in islice(left, 1))
            yield from rows
    finally:
        pool.shutdown(cancel_futures=True)


def _visitor(filesystem: pafs.FileSystem) -> Callable[[Visit], list[Row]]:
    """A function that any number of threads may call. A file is opened once, and closed when the function is gone."""

    @lru_cache(_OPEN_FILES)
    def opened(path: str) -> tuple[pa.NativeFile, pq.FileMetaData]:
        file = filesystem.open_input_file(path)
        return file, pq.read_metadata(file)

    def read(visit: Visit) -> list[Row]:
        group = visit.group
        try:
            file, metadata = opened(group.path)
            # Threads may share an open file, but not a ParquetFile. That one costs little when the footer is known.
            table = pq.ParquetFile(file, metadata=metadata).read_row_group(group.number, _COLUMNS, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise AutotagError(
                f"{group.path}: row group {group.number} can't be read: {storage.one_line(error)}"
            ) from None
        columns = [table[name] for name in _COLUMNS]
        # Copied to Python's own bytes: a view into the row group would keep all of it in memory.
        return [_row(*(column[at].as_py() for column in columns)) for at in visit.rows.tolist()]

    return read


def _row(gif_id: str, uri: str, version: str, frames: list[bytes] | None) -> Row:
    return Row(gif_id, uri, version, tuple(frames or ()))
