"""Files of a table: where rows go, what statistics say of them, and that a file is whole or not there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from autotag_core import storage
from autotag_core.errors import DiskFullError
from autotag_core.warehouse import data_files
from autotag_core.warehouse.data_files import DataFile, merge_files, too_small, write_files


@pytest.fixture(params=["local", "s3"])
def uri(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    base = str(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    return f"{base}/gifs and ü/version=2/table"


def rows_of(uri: str, file: DataFile, folder: Path) -> list[dict[str, object]]:
    storage.download_file(storage.join(uri, file.path), folder / "copy.parquet")
    return list(pq.read_table(folder / "copy.parquet", partitioning=None).to_pylist())


def batch(**columns: list[object]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(columns)


def file(name: str, num_bytes: int, expert: str = "text") -> DataFile:
    return DataFile(name, num_bytes, 1, (("expert", expert),), "{}")


def test_each_value_of_a_partition_column_has_a_folder_and_rows_keep_their_order(uri: str, tmp_path: Path) -> None:
    batches = [
        batch(gif_id=["a", "b", "c"], expert=["text", "b ü/=", "text"]),
        batch(gif_id=["d", "e"], expert=["b ü/=", None]),
    ]
    text, other, none = write_files(batches, uri, ["expert"])
    assert [one.partition for one in (text, other, none)] == [
        (("expert", "text"),),
        (("expert", "b ü/="),),
        (("expert", None),),
    ]
    folders = [one.path.split("/")[0] for one in (text, other, none)]
    assert folders == ["expert=text", "expert=b %C3%BC%2F%3D", "expert=__HIVE_DEFAULT_PARTITION__"]
    assert rows_of(uri, text, tmp_path) == [{"gif_id": "a"}, {"gif_id": "c"}]
    assert rows_of(uri, other, tmp_path) == [{"gif_id": "b"}, {"gif_id": "d"}]
    assert sorted(storage.list_files(uri)) == sorted(storage.join(uri, one.path) for one in (text, other, none))
    sizes = storage.file_sizes(uri)
    assert all(one.num_bytes == sizes[one.path.split("/")[-1]] for one in (text, other, none))


def test_no_rows_are_no_file(tmp_path: Path) -> None:
    assert list(write_files([batch(gif_id=[])], str(tmp_path / "table"))) == []
    assert not (tmp_path / "table").exists()


def test_a_file_that_has_grown_large_is_followed_by_another_and_row_groups_have_their_size(tmp_path: Path) -> None:
    batches = [batch(number=list(range(start, start + 1000))) for start in range(0, 10_000, 1000)]
    files = list(write_files(batches, str(tmp_path), row_group_bytes=16_000, max_bytes=20_000))
    assert [one.num_rows for one in files] == [4000, 4000, 2000]
    found = [pq.read_table(tmp_path / one.path) for one in files]
    assert pa.concat_tables(found)["number"].to_pylist() == list(range(10_000))
    metadata = pq.read_metadata(tmp_path / files[0].path)
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [2000] * 2


def test_a_batch_of_many_row_groups_is_cut(tmp_path: Path) -> None:
    (one,) = write_files([batch(number=list(range(10_000)))], str(tmp_path), row_group_bytes=8_000)
    metadata = pq.read_metadata(tmp_path / one.path)
    assert [metadata.row_group(at).num_rows for at in range(metadata.num_row_groups)] == [1000] * 10


def test_statistics_say_what_a_reader_may_skip(tmp_path: Path) -> None:
    rows = batch(
        gif_id=["b" * 40, "a", None],
        number=[3, -2, None],
        share=[0.5, None, 0.25],
        is_on=[True, False, True],
        tags=[["x"], [], None],
        nothing=pa.array([None, None, None], pa.string()),
    )
    (one,) = write_files([rows], str(tmp_path))
    assert json.loads(one.stats) == {
        "numRecords": 3,
        "minValues": {"gif_id": "a", "number": -2, "share": 0.25},
        "maxValues": {"gif_id": "b" * 32 + "\U0010ffff", "number": 3, "share": 0.5},
        "nullCount": {"gif_id": 1, "number": 1, "share": 1, "is_on": 0, "nothing": 3},
    }


def test_a_number_that_is_none_is_no_limit(tmp_path: Path) -> None:
    (one,) = write_files([batch(share=[1.0, float("inf")])], str(tmp_path))
    assert json.loads(one.stats)["maxValues"] == {}


def test_an_error_on_the_way_leaves_no_file_that_is_not_whole(uri: str) -> None:
    def broken() -> Iterator[pa.RecordBatch]:
        yield batch(gif_id=["a"], expert=["text"])
        yield batch(gif_id=["b"], expert=["semantic"])
        raise ValueError("the task dies here")

    with pytest.raises(ValueError, match="dies here"):
        list(write_files(broken(), uri, ["expert"], row_group_bytes=1))
    assert storage.list_files(uri) == []


def test_who_stops_reading_leaves_no_file_that_is_not_whole(tmp_path: Path) -> None:
    files = write_files([batch(number=[1]), batch(number=[2])], str(tmp_path), row_group_bytes=1, max_bytes=1)
    first = next(files)
    files.close()
    assert [path.name for path in tmp_path.iterdir()] == [first.path]


def test_many_small_files_of_a_partition_are_merged_and_few_or_large_ones_are_left() -> None:
    small = [file(f"s{at}", 10_000_000) for at in range(20)]
    large = [file(f"l{at}", 20_000_000, "imagenet") for at in range(20)]
    few = [file(f"f{at}", 10, "semantic") for at in range(16)]
    groups = too_small([*small, *large, *few])
    assert [[one.path for one in group] for group in groups] == [
        [f"s{at}" for at in range(14)],
        [f"s{at}" for at in range(14, 20)],
    ]


def test_a_merged_file_holds_the_rows_in_their_order(uri: str, tmp_path: Path) -> None:
    files = [
        *write_files([batch(gif_id=["a", "b"], expert=["x", "x"])], uri, ["expert"]),
        *write_files([batch(gif_id=["c"], expert=["x"])], uri, ["expert"]),
    ]
    (merged,) = merge_files(uri, files)
    assert (merged.num_rows, merged.partition) == (3, (("expert", "x"),))
    assert rows_of(uri, merged, tmp_path) == [{"gif_id": "a"}, {"gif_id": "b"}, {"gif_id": "c"}]
    assert json.loads(merged.stats)["maxValues"] == {"gif_id": "c"}


def test_a_file_survives_the_way_to_the_driver() -> None:
    one = DataFile("a/b", 3, 2, (("expert", None), ("split", "a b")), "{}")
    assert DataFile.from_row(one.as_row()) == one


@pytest.mark.parametrize("on_s3", [False, True])
def test_a_full_disk_names_its_folder_and_leaves_no_file(
    on_s3: bool, tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, opened = pa.OSFile, []

    def open_full(path: str, mode: str) -> pa.OSFile:
        Path(path).touch()
        opened.append(real("/dev/full", mode))
        return opened[-1]

    monkeypatch.setattr(data_files.pa, "OSFile", open_full)
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path))
    uri = f"{bucket}/table" if on_s3 else str(tmp_path / "table")
    with pytest.raises(DiskFullError, match=f"^{tmp_path}(/table)?: the disk is full"):
        list(write_files([pa.RecordBatch.from_pydict({"n": list(range(1000))})], uri))
    assert [file.closed for file in opened] == [True], "an open file would keep its space"
    assert storage.list_files(uri) == [] and not [path for path in tmp_path.rglob("*") if path.is_file()]
