"""Rows that threads read: their order, how far ahead, what fails, and that no thread is left."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import pytest

from autotag_core import storage
from autotag_core.errors import AutotagError
from autotag_core.training import row_groups
from autotag_core.training.index import RowGroup
from autotag_core.training.row_groups import Visit, iter_rows

FILES = pafs.LocalFileSystem()


def write_files(filesystem: pafs.FileSystem, folder: str) -> list[RowGroup]:
    """Six row groups of two rows in two files; GIF n has n % 4 stored frames, and GIF 3 has none by being null."""
    found = []
    filesystem.create_dir(folder)
    for number in range(2):
        path = f"{folder}/part {number} ü.parquet"
        numbers = range(6 * number, 6 * number + 6)
        frames = [None if n == 3 else [bytes([n, i]) * i for i in range(n % 4)] for n in numbers]
        columns = {
            "frames": pa.array(frames, pa.list_(pa.binary())),
            "unread": pa.array([b"much"] * 6),
            "gif_id": [f"g{n}" for n in numbers],
            "uri": [f"u{n}" for n in numbers],
            "version": [f"v{n}" for n in numbers],
        }
        pq.write_table(pa.table(columns), path, row_group_size=2, filesystem=filesystem)
        found += [RowGroup(path, at) for at in range(3)]
    return found


@pytest.fixture
def groups(tmp_path: Path) -> list[RowGroup]:
    return write_files(FILES, str(tmp_path))


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("row-groups")]
    assert not left, "reading threads have outlived the iterator"


def visits(groups: list[RowGroup], *wanted: tuple[int, list[int]]) -> list[Visit]:
    return [Visit(groups[at], np.array(rows, np.int32)) for at, rows in wanted]


def both(groups: list[RowGroup], *numbers: int) -> list[Visit]:
    """Visits of these row groups that want both rows."""
    return visits(groups, *((number, [0, 1]) for number in numbers))


def test_rows_come_in_the_order_of_the_visits_as_often_as_they_are_wanted(groups: list[RowGroup]) -> None:
    wanted = visits(groups, (4, [1]), (0, [0, 1]), (4, [0]), (4, [1]), (1, []), (5, [1, 0]), (0, [0]))
    for num_readers, ahead in ((1, 1), (3, 5), (8, 100)):
        found = list(iter_rows(FILES, wanted, num_readers, ahead))
        assert [row.gif_id for row in found] == ["g9", "g0", "g1", "g8", "g9", "g11", "g10", "g0"]
    assert list(iter_rows(FILES, [], 3, 5)) == []


def test_a_row_has_what_the_file_says_and_its_frames_as_bytes(anywhere: str) -> None:
    filesystem, (folder,) = storage.arrow_paths([anywhere])
    groups = write_files(filesystem, folder)
    rows = list(iter_rows(filesystem, visits(groups, (1, [0, 1]), (5, [1])), 2, 4))
    assert [(row.gif_id, row.uri, row.version, row.files) for row in rows] == [
        ("g2", "u2", "v2", (b"", bytes([2, 1]))),
        ("g3", "u3", "v3", ()),
        ("g11", "u11", "v11", (b"", bytes([11, 1]), bytes([11, 2]) * 2)),
    ]


def test_the_order_holds_where_the_first_visit_is_the_slowest(
    groups: list[RowGroup], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slow(pq.ParquetFile):
        def read_row_group(self, i: int, *arguments: Any, **options: Any) -> Any:
            time.sleep(0.2 if i == 0 else 0)
            return super().read_row_group(i, *arguments, **options)

    monkeypatch.setattr(row_groups.pq, "ParquetFile", Slow)
    found = [row.gif_id for row in iter_rows(FILES, both(groups, 0, 1, 2, 3, 4), 4, 4)]
    assert found == [f"g{number}" for number in range(10)]


def test_no_more_is_read_ahead_than_was_said(groups: list[RowGroup]) -> None:
    begun: list[int] = []

    def counted() -> Iterator[Visit]:
        for number, visit in enumerate(both(groups, 0, 1, 2, 3, 4, 5)):
            begun.append(number)
            yield visit

    rows = iter_rows(FILES, counted(), 2, 3)
    for taken, num_begun in ((1, 4), (2, 4), (3, 5), (4, 5), (5, 6)):
        next(rows)
        assert len(begun) == num_begun, f"{taken} rows taken"
    rows.close()


def test_a_file_that_can_t_be_read_is_one_error_that_names_it(groups: list[RowGroup]) -> None:
    def message(wanted: list[Visit]) -> str:
        with pytest.raises(AutotagError) as caught:
            list(iter_rows(FILES, wanted, 2, 4))
        return str(caught.value)

    good, bad = Path(groups[0].path), Path(groups[3].path)
    whole = bad.read_bytes()
    bad.write_bytes(whole[:4] + bytes(100) + whole[104:])  # pages of the first row group
    assert message(both(groups, 0, 1, 3, 2)).startswith(f"{bad}: row group 0 can't be read: ")
    bad.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    assert message(both(groups, 0, 4)).startswith(f"{bad}: row group 1 can't be read: ")
    good.unlink()
    found = message(both(groups, 2))
    assert found.startswith(f"{good}: row group 2 can't be read: ") and "No such file" in found
    assert "\n" not in found


def test_a_broken_file_does_not_take_the_rows_before_it(groups: list[RowGroup]) -> None:
    Path(groups[3].path).unlink()
    rows = iter_rows(FILES, both(groups, 0, 1, 3), 2, 8)
    assert [next(rows).gif_id for _ in range(4)] == ["g0", "g1", "g2", "g3"]
    with pytest.raises(AutotagError):
        next(rows)


def test_a_closed_iterator_leaves_what_was_not_begun(groups: list[RowGroup], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    class Slow(pq.ParquetFile):
        def read_row_group(self, i: int, *arguments: Any, **options: Any) -> Any:
            read.append(i)
            time.sleep(0.05)
            return super().read_row_group(i, *arguments, **options)

    monkeypatch.setattr(row_groups.pq, "ParquetFile", Slow)
    rows = iter_rows(FILES, both(groups, *[0] * 100), 1, 100)
    next(rows)
    rows.close()
    assert len(read) < 10


def test_files_are_opened_once_and_a_file_that_fell_out_is_opened_again(
    groups: list[RowGroup], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counting:
        def __init__(self) -> None:
            self.opened: list[str] = []

        def open_input_file(self, path: str) -> Any:
            self.opened.append(path)
            return FILES.open_input_file(path)

    files = Counting()
    first, second = groups[0].path, groups[3].path
    list(iter_rows(files, both(groups, 0, 3, 1, 4, 2, 5, 0), 1, 4))
    assert files.opened == [first, second]
    monkeypatch.setattr(row_groups, "_OPEN_FILES", 1)
    files.opened.clear()
    assert [row.gif_id for row in iter_rows(files, both(groups, 0, 3, 1), 1, 4)] == ["g0", "g1", "g6", "g7", "g2", "g3"]
    assert files.opened == [first, second, first]
