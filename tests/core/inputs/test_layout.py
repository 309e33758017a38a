"""Which files a catalog is made of: all of a folder, at every level, none passed over in silence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.inputs import Part, file_kind, find_parts, layout


def files(folder: Path, *names: str) -> str:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 10)
    return str(folder)


def found(uri: str) -> list[str]:
    return [part.uri.removeprefix(uri).strip("/") for task in find_parts(uri) for part in task]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.jsonl", "json"),
        ("a.NDJSON", "json"),
        ("a.json.gz", "json"),
        ("a.csv.bz2", "csv"),
        ("a.csv.zst", "csv"),
        ("s3a://b/a.parquet/", "parquet"),
    ],
)
def test_the_suffix_says_the_kind(name: str, kind: str) -> None:
    assert file_kind(name) == kind


@pytest.mark.parametrize("name", ["a", "a.txt", "a.parquet.gz", "a.jsonl.zip", "a.gz"])
def test_another_suffix_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"the suffix must be .jsonl"):
        file_kind(name)
    assert file_kind(name, otherwise="json") == "json"


def test_files_at_all_levels_are_read_and_hidden_ones_are_not(tmp_path: Path) -> None:
    uri = files(
        tmp_path / "c.jsonl",
        "part-1",
        "day=1/part-0.json.gz",
        "deep/er/part-2.jsonl",
        "_SUCCESS",
        ".part-1.crc",
        "_temporary/0/part-9",
    )
    assert found(uri) == ["day=1/part-0.json.gz", "deep/er/part-2.jsonl", "part-1"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("part.parquet", "a parquet file in a folder of csv files"), ("_delta_log/0.json", "it is a Delta table")],
)
def test_a_folder_that_is_something_else_is_refused(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        find_parts(files(tmp_path / "c.csv", "a.csv", name))


def test_values_in_the_names_of_folders_are_text_as_they_are_written(tmp_path: Path) -> None:
    uri = files(tmp_path / "c.csv", "uploader=007/version=a%20b/x.csv", "uploader=__HIVE_DEFAULT_PARTITION__/y.csv")
    parts = [part.folders for task in find_parts(uri) for part in task]
    assert parts == [(("uploader", "007"), ("version", "a b")), (("uploader", None),)]


def test_large_text_and_parquet_are_cut_and_small_files_share_a_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "PART_BYTES", 4)
    monkeypatch.setattr(layout, "_OPEN_BYTES", 1)
    uri = files(tmp_path / "c.jsonl", "a.jsonl")
    ranges = [(part.start, part.end) for task in find_parts(uri) for part in task]
    assert ranges == [(0, 4), (4, 8), (8, 10)]
    monkeypatch.setattr(layout, "PART_BYTES", 21)
    many = files(tmp_path / "d.csv", "a.csv", "b.csv", "c.csv")
    assert [len(task) for task in find_parts(many)] == [2, 1]
    assert {(part.start, part.end) for task in find_parts(many) for part in task} == {(0, 2**62)}


def test_a_pipe_and_an_absent_file_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.csv")
    with pytest.raises(InputError, match="not a regular file"):
        find_parts(str(tmp_path / "c.csv"))
    with pytest.raises(InputError, match="no such file"):
        find_parts(str(tmp_path / "absent.csv"))


def test_what_compresses_a_part() -> None:
    kinds = {suffix: Part(f"a.csv{suffix}", "csv", 0, 1).compression for suffix in ("", ".gz", ".BZ2", ".zst")}
    assert kinds == {"": None, ".gz": "gzip", ".BZ2": "bz2", ".zst": "zstd"}
    assert Part("part.gz", "parquet", 0, 1).compression is None
