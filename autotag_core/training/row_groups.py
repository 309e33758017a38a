"""Row groups of Parquet files by petastorm, in an order of our own; the one module that imports petastorm.

petastorm 0.12.1 is the last version that works with this pyarrow, and nobody maintains it any more. What is used of
it is its pools of reading threads or processes and the reader around them; what is not used are its dataset metadata
(pickles in `_common_metadata`), its shuffling and its sharding, which know neither how often a row is wanted nor
where a broken epoch went on. Its pool of processes waits for ever where one of them was killed; `_WatchedPool` does
not.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow.fs as pafs

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pyarrow's old file systems, which petastorm is built on
    from petastorm.arrow_reader_worker import ArrowReaderWorker
    from petastorm.reader import Reader
    from petastorm.reader_impl.arrow_table_serializer import ArrowTableSerializer
    from petastorm.transform import TransformSpec
    from petastorm.workers_pool.process_pool import ProcessPool
    from petastorm.workers_pool.thread_pool import ThreadPool
    from petastorm.workers_pool.ventilator import ConcurrentVentilator
    from pyarrow.filesystem import FileSystem

from autotag_core.errors import AutotagError
from autotag_core.training.clips import Row
from autotag_core.training.index import RowGroup

# It says at every row group that pyarrow's old interfaces are old; this module is imported in its processes too.
warnings.filterwarnings("ignore", category=FutureWarning, module="petastorm")
_COLUMNS = ("gif_id", "uri", "version", "frames")
_SIZE_BYTES = 4


@dataclass(frozen=True)
class ReaderSettings:
    """How row groups are read: by `workers` threads or processes, `ahead` of them before they are asked for.

    What a process does not answer within timeout_s seconds is an error; the storage's own limits end a thread.
    """

    pool: Literal["thread", "process"] = "thread"
    workers: int = 4
    ahead: int = 8
    timeout_s: float = 300


class _ArrowFiles(FileSystem):
    """One of Arrow's file systems as its predecessor, which petastorm knows: local and S3 are read the same way."""

    def __init__(self, filesystem: pafs.FileSystem) -> None:
        self.filesystem = filesystem

    def open(self, path: str, mode: str = "rb") -> Any:
        """The file, to be read."""
        return self.filesystem.open_input_file(path)

    def isfile(self, path: str) -> bool:
        """Whether it is a file."""
        return bool(self.filesystem.get_file_info(path).type == pafs.FileType.File)

    def isdir(self, path: str) -> bool:
        """Never: petastorm is given files."""
        return False

    def exists(self, path: str) -> bool:
        """Whether it is there."""
        return self.isfile(path)


class _Ventilator(ConcurrentVentilator):
    """Gives row groups to the workers, never more than `ahead` beyond what was taken: theirs may wait for a slow one.

    petastorm's own counts what has arrived, so the row groups that wait for one before them would be without bound.
    """

    def processed_item(self) -> None:
        """What the pool calls when a row group has arrived."""

    def taken(self) -> None:
        """A row group was taken in its turn."""
        super().processed_item()


class _PlannedReader(Reader):
    """A reader of given row groups in a given order, each as often as it is given."""

    def __init__(self, visits: Sequence[RowGroup], ahead: int, *arguments: Any, **settings: Any) -> None:
        self._visits, self._ahead = visits, ahead
        super().__init__(*arguments, **settings)

    def _filter_row_groups(self, dataset: Any, row_groups: list[Any], *_: Any) -> tuple[list[int], None]:
        numbers = {(piece.path, piece.row_group): index for index, piece in enumerate(row_groups)}
        return [numbers[visit.path, visit.number] for visit in self._visits], None

    def _create_ventilator(self, indexes: list[int], *_: Any) -> _Ventilator:
        items = [
            {"piece_index": index, "worker_predicate": None, "shuffle_row_drop_partition": (0, 1)} for index in indexes
        ]
        return _Ventilator(self._workers_pool.ventilate, items, max_ventilation_queue_size=self._ahead)


class _WatchedPoller:
    """A zmq poller that raises where a worker is dead, or nothing has come for too long."""

    def __init__(self, poller: Any, workers: Sequence[Any], timeout_s: float) -> None:
        self._poller, self._workers, self._timeout_s = poller, workers, timeout_s
        self._heard = time.monotonic()

    def poll(self, timeout_ms: float) -> Any:
        """As zmq's. One that raised sends its error and ends with exit code 0: only in silence that is death."""
        ready = self._poller.poll(timeout_ms)
        now = time.monotonic()
        if ready:
            self._heard = now
        dead = [worker for worker in self._workers if worker.poll() not in ((None, 0) if ready else (None,))]
        if dead:
            codes = ", ".join(f"process {worker.pid} with exit code {worker.poll()}" for worker in dead)
            raise AutotagError(f"{len(dead)} of {len(self._workers)} reading processes have died: {codes}")
        if now - self._heard > self._timeout_s:
            raise AutotagError(
                f"no row group has come for {self._timeout_s:g} s: check the storage, or wait longer (timeout_s)"
            )
        return ready


class _WatchedPool(ProcessPool):
    def __init__(self, settings: ReaderSettings) -> None:
        super().__init__(settings.workers, ArrowTableSerializer())
        self._timeout_s = settings.timeout_s

    def _wait_for_workers_to_start(self) -> None:
        """Wait as long as for anything else, not petastorm's 20 s, which a busy machine may need to import torch."""
        poller: Any = self.__dict__["_results_receiver_poller"]
        self._results_receiver_poller = _WatchedPoller(poller, self._workers, self._timeout_s)
        try:
            for _ in self._workers:
                while not self._results_receiver_poller.poll(100):
                    pass
                self._results_receiver.recv()
        except BaseException:
            for worker in self._workers:
                worker.kill()
                worker.wait()
            raise


def iter_row_groups(
    filesystem: pafs.FileSystem, visits: Sequence[RowGroup], settings: ReaderSettings
) -> Generator[list[Row], None, None]:
    """The rows of each visited row group, in the order of the visits, whichever worker is done first.

    AutotagError where a worker dies, or nothing comes for timeout_s; what a worker raises is raised here. Closing the
    iterator ends the workers.
    """
    if not visits:
        return
    with _opened(filesystem, visits, settings) as reader:
        arrived: dict[str, list[list[Row]]] = {}
        for visit in visits:
            while not arrived.get(visit.first_gif_id):
                rows = _rows(next(reader))
                arrived.setdefault(rows[0].gif_id, []).append(rows)
            reader.ventilator.taken()
            yield arrived[visit.first_gif_id].pop()


@contextmanager
def _opened(filesystem: pafs.FileSystem, visits: Sequence[RowGroup], settings: ReaderSettings) -> Iterator[Any]:
    pool = _WatchedPool(settings) if settings.pool == "process" else ThreadPool(settings.workers, settings.ahead)
    packed = [("frames", np.bytes_, (), False)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader = _PlannedReader(
            visits,
            settings.ahead,
            _ArrowFiles(filesystem),
            sorted({visit.path for visit in visits}),
            schema_fields=list(_COLUMNS),
            shuffle_row_groups=False,
            reader_pool=pool,
            worker_class=ArrowReaderWorker,
            transform_spec=TransformSpec(pack_frames, edit_fields=packed, selected_fields=list(_COLUMNS)),
            is_batched_reader=True,
        )
    try:
        yield reader
    finally:
        reader.stop()
        reader.join()


def pack_frames(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with each GIF's files as one run of bytes: petastorm has no lists of different lengths.

    It is what each worker calls. The run is, for each file, its size in 4 bytes, little-endian, and the file.
    """
    return rows.assign(frames=rows["frames"].map(_pack))


def _pack(files: Sequence[bytes] | None) -> bytes:
    parts = [] if files is None else files
    return b"".join(len(part).to_bytes(_SIZE_BYTES, "little") + part for part in parts)


def _unpack(packed: bytes) -> tuple[bytes, ...]:
    files, start = [], 0
    while start < len(packed):
        end = start + _SIZE_BYTES + int.from_bytes(packed[start : start + _SIZE_BYTES], "little")
        files.append(packed[start + _SIZE_BYTES : end])
        start = end
    return tuple(files)


def _rows(columns: Any) -> list[Row]:
    values = (columns.gif_id, columns.uri, columns.version, columns.frames)
    return [
        Row(str(gif_id), str(uri), str(version), _unpack(frames))
        for gif_id, uri, version, frames in zip(*values, strict=True)
    ]
