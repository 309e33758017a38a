"""A table of tags written and opened: every GIF's tags by its id, however the table is cut, from disk or from S3."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from autotag_core import compiled
from autotag_core.voting import TagTable, open_tag_table, write_tag_table

TAGS = {
    "a": ["cat", "kitten"],
    "bb": [],
    "": ["cat"],
    "eight-by": ["größe", "猫"],
    "eight-byt": ["kitten"],
    "größe": ["", "dog"],
    "猫" * 9: ["cat", "dog", "猫"],
}


def written(folder: Path, slice_gifs: int, batch: int = 2) -> TagTable:
    rows = pa.table({"gif_id": list(TAGS), "tags": pa.array(list(TAGS.values()), pa.list_(pa.string()))})
    batches = ((one["gif_id"], one["tags"]) for one in rows.to_batches(max_chunksize=batch))
    return write_tag_table(batches, str(folder / "tags"), folder / "workspace", slice_gifs)


def tags_of(
    table: TagTable, ids: pa.StringArray, folder: Path, is_neighbor: list[bool] | None = None
) -> list[list[str]]:
    opened = open_tag_table(table, folder)
    found = opened.tags_of(ids, np.array(is_neighbor or [True] * len(ids)))
    names = opened.names.take(pa.array(found.tags)).to_pylist()
    return [names[start:end] for start, end in zip(found.starts[:-1], found.starts[1:], strict=True)]


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


def test_tags_have_numbers_and_an_unknown_one_has_none(tmp_path: Path) -> None:
    opened = open_tag_table(written(tmp_path, 100), tmp_path)
    numbers = opened.numbers_of(pa.array(["猫", "", "Cat", "dog"]))
    assert [opened.names[number].as_py() if number >= 0 else None for number in numbers] == ["猫", "", None, "dog"]


def test_a_catalog_without_train_gifs_is_a_table_too(tmp_path: Path) -> None:
    table = write_tag_table([], str(tmp_path), tmp_path)
    assert (table.num_gifs, table.num_tags) == (0, 0)
    assert tags_of(table, pa.array(["a"]), tmp_path) == [[]]
    assert open_tag_table(table, tmp_path).numbers_of(pa.array(["cat"])).tolist() == [-1]


def test_thousands_of_ids_that_differ_in_one_digit_are_told_apart(tmp_path: Path) -> None:
    ids = [f"gif-{number:07}" for number in range(20_000)]
    lists = pa.array([[f"t{number % 997}"] for number in range(len(ids))])
    table = write_tag_table([(pa.array(ids), lists)], str(tmp_path), tmp_path)
    assert tags_of(table, pa.array(ids), tmp_path) == lists.to_pylist()
    assert tags_of(table, pa.array([f"{gif_id}x" for gif_id in ids]), tmp_path) == [[]] * len(ids)


def test_a_table_on_s3_is_downloaded_once(bucket: str, tmp_path: Path) -> None:
    ids, lists = pa.array(["a", "b"]), pa.array([["cat"], ["dog"]])
    table = write_tag_table([(ids, lists)], f"{bucket}/tags", tmp_path / "workspace")
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
    script = "import sys, autotag_core.voting, udfs.votes, udfs.evidence; print('numba' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
