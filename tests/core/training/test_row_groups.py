"""petastorm's pools under watch: order, and workers that fail or are killed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from autotag_core.errors import AutotagError
from autotag_core.training.index import RowGroup
from autotag_core.training.row_groups import ReaderSettings, iter_row_groups

FILES = pafs.LocalFileSystem()


@pytest.fixture
def row_groups(tmp_path: Path) -> list[RowGroup]:
    """Six row groups of two rows; GIF n has n % 4 stored frames."""
    found = []
    for number in range(2):
        path = str(tmp_path / f"part {number}.parquet")
        numbers = range(6 * number, 6 * number + 6)
        columns = {
            "gif_id": [f"g{n}" for n in numbers],
            "uri": [f"u{n}" for n in numbers],
            "version": [f"v{n}" for n in numbers],
            "frames": pa.array([[bytes([n, i]) * i for i in range(n % 4)] for n in numbers], pa.list_(pa.binary())),
        }
        pq.write_table(pa.table(columns), path, row_group_size=2)
        found += [RowGroup(path, at, f"g{6 * number + 2 * at}", 2) for at in range(3)]
    return found


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    assert not left, "reading processes have outlived the iterator"


def test_visits_come_in_their_order_as_often_as_they_are_wanted(row_groups: list[RowGroup]) -> None:
    visits = [row_groups[at] for at in (4, 0, 4, 4, 1, 5, 2, 3, 0)]
    found = list(iter_row_groups(FILES, visits, ReaderSettings("thread", 3, 5)))
    assert [rows[0].gif_id for rows in found] == [visit.first_gif_id for visit in visits]
    assert [(row.uri, row.version, row.files) for row in found[5]] == [
        ("u10", "v10", (b"", bytes([10, 1]))),
        ("u11", "v11", (b"", bytes([11, 1]), bytes([11, 2]) * 2)),
    ]


def test_a_killed_process_ends_the_epoch_with_an_error(row_groups: list[RowGroup]) -> None:
    rows = iter_row_groups(FILES, row_groups * 500, ReaderSettings("process", 1, 4, timeout_s=300))
    assert next(rows)[0].gif_id == "g0"
    worker = next(child for child in psutil.Process().children() if "petastorm" in " ".join(child.cmdline()))
    worker.send_signal(signal.SIGKILL)
    with pytest.raises(AutotagError, match=rf"1 of 1 reading processes have died: process {worker.pid} with exit code"):
        list(rows)


def test_what_a_worker_raises_is_raised(row_groups: list[RowGroup]) -> None:
    Path(row_groups[3].path).write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(OSError, match="thrift"):
        list(iter_row_groups(FILES, row_groups, ReaderSettings("thread", 2, 4)))
