"""A table of tags written and opened: every GIF's tags by its id, however the table is cut, from disk or from S3."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from autotag_core import compiled
from autotag_core.errors import AutotagError
from autotag_core.votes import ABOUT, TagTable, open_tag_table, write_tag_table
from autotag_core.votes.tally.tally_loops import Found

TAGS = {
    "a": ["cat", "kitten"],
    "bb": [],
    "": ["cat"],
    "eight-by": ["größe", "猫"],
    "eight-byt": ["kitten"],
    "größe": ["", "dog"],
    "猫" * 9: ["cat", "dog", "猫"],
}


def batches(tags: Mapping[str, Sequence[str]], size: int = 2) -> Iterator[pa.RecordBatch]:
    """Rows about train GIFs, their tags all from their uploaders."""
    rows = [
        {"gif_id": gif_id, "items": own, "first_own": 0, "num_editorial": 0, "first_copied": len(own), "is_train": True}
        for gif_id, own in tags.items()
    ]
    yield from pa.Table.from_pylist(rows, ABOUT).to_batches(max_chunksize=size)


def written(folder: Path, slice_gifs: int) -> TagTable:
    return write_tag_table(batches(TAGS), str(folder / "tags"), folder / "workspace", slice_gifs)


def as_lists(found: Found, names: pa.StringArray) -> list[list[str]]:
    tags = names.take(pa.array(found.tags)).to_pylist()
    return [tags[start:end] for start, end in zip(found.starts[:-1], found.starts[1:], strict=True)]


def tags_of(
    table: TagTable, ids: pa.StringArray, folder: Path, is_neighbor: list[bool] | None = None
) -> list[list[str]]:
    opened = open_tag_table(table, folder)
    return as_lists(opened.as_written(opened.find(ids, np.array(is_neighbor or [True] * len(ids)))), opened.names)


@pytest.mark.parametrize(("slice_gifs", "num_slices"), [(100, 1), (4, 2), (2, 4), (1, 7)])
def test_each_gif_has_its_tags_in_one_slice_or_in_many(slice_gifs: int, num_slices: int, tmp_path: Path) -> None:
    table = written(tmp_path, slice_gifs)
    assert (len(table.slices), table.num_gifs, table.num_tags) == (num_slices, len(TAGS), 6)
    ids = pa.array(["unknown", *TAGS, "a"])
    assert tags_of(table, ids, tmp_path) == [[], *TAGS.values(), TAGS["a"]]
    assert tags_of(table, ids[3:5], tmp_path) == [TAGS[""], TAGS["eight-by"]], "an array may be a part of another one"


def test_what_is_no_neighbor_has_no_tags_though_a_gif_is_called_so(tmp_path: Path) -> None:
    table = written(tmp_path, 3)
    assert tags_of(table, pa.array(["a", "a"]), tmp_path, [False, True]) == [[], TAGS["a"]]


def test_only_train_gifs_vote_and_slips_count_as_what_they_meant_once(tmp_path: Path) -> None:
    """`edited` is an editor's word alone, `copied` came with a copy: neither is the uploader's."""
    own = ["edited", "cat", "kittne", "kitten"]
    rows = [
        {"items": ["kittne", "kitten"]},
        {"gif_id": "v", "items": ["bird"], "first_own": 0, "num_editorial": 0, "first_copied": 1, "is_train": False},
        {
            "gif_id": "t",
            "items": [*own, "copied"],
            "first_own": 1,
            "num_editorial": 2,
            "first_copied": 4,
            "is_train": True,
        },
        {"items": ["brid", "bird"]},
    ]
    table = write_tag_table(
        pa.Table.from_pylist(rows, ABOUT).to_batches(max_chunksize=2), str(tmp_path), tmp_path / "workspace"
    )
    opened = open_tag_table(table, tmp_path)
    found = opened.find(pa.array(["v", "t"]), np.ones(2, bool))
    assert as_lists(opened.as_written(found), opened.names) == [[], own]
    assert as_lists(opened.as_meant(found), opened.names) == [[], ["edited", "cat", "kitten"]]
    assert as_lists(opened.as_meant(found, only_own=True), opened.names) == [[], ["cat", "kitten"]]
    assert table.num_gifs == 1
    meant = opened.names.take(pa.array(opened.meant[opened.numbers_of(pa.array(["kittne", "brid", "copied"]))]))
    assert meant.to_pylist() == ["kitten", "bird", "copied"]


def test_tags_have_numbers_and_of_an_unknown_one_is_said_that_the_table_is_not_of_its_catalog(tmp_path: Path) -> None:
    opened = open_tag_table(written(tmp_path, 100), tmp_path)
    numbers = opened.numbers_of(pa.array(["猫", "", "dog"]))
    assert [opened.names[number].as_py() for number in numbers] == ["猫", "", "dog"]
    with pytest.raises(AutotagError, match="made of another catalog: it has no tag Cat"):
        opened.numbers_of(pa.array(["cat", "Cat"]))


def test_a_catalog_without_train_gifs_is_a_table_too(tmp_path: Path) -> None:
    table = write_tag_table([], str(tmp_path), tmp_path)
    assert (table.num_gifs, table.num_tags) == (0, 0)
    assert tags_of(table, pa.array(["a"]), tmp_path) == [[]]


def test_thousands_of_ids_that_differ_in_one_digit_are_told_apart(tmp_path: Path) -> None:
    tags = {f"gif-{number:07}": [f"t{number % 997}"] for number in range(20_000)}
    table = write_tag_table(batches(tags, 7_000), str(tmp_path), tmp_path)
    assert tags_of(table, pa.array(list(tags)), tmp_path) == list(tags.values())
    assert tags_of(table, pa.array([f"{gif_id}x" for gif_id in tags]), tmp_path) == [[]] * len(tags)


def test_a_table_on_s3_is_downloaded_once(bucket: str, tmp_path: Path) -> None:
    table = write_tag_table(batches({"a": ["cat"], "b": ["dog"]}), f"{bucket}/tags", tmp_path / "workspace")
    for _ in range(2):
        open_tag_table.cache_clear()
        assert tags_of(table, pa.array(["b"]), tmp_path / "host") == [["dog"]]
    files = [path.suffix for path in (tmp_path / "host").iterdir()]
    assert sorted(files) == ["", "", ".lock", ".lock"]


def test_where_nothing_can_be_kept_functions_are_compiled_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "folder"))
    assert compiled.cache_folder() is None
    assert compiled.compiled(lambda number: number + 1)(2) == 3


def test_the_logic_of_voting_loads_without_numba() -> None:
    script = "import sys, autotag_core.votes, udfs.votes.votes, udfs.votes.evidence; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
