"""CSV files that people give."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.faces.csv_tables import need_columns, read_csv


def test_cells_are_without_space_around_them_and_rows_know_their_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes('\ufeffname , id\n Ann,"1\n2"\nBob\n'.encode())
    rows, columns = read_csv(str(tmp_path / "a.csv"))
    assert columns == ["name", "id"]
    assert rows == [(3, {"name": "Ann", "id": "1\n2"}), (4, {"name": "Bob", "id": ""})]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"name\nJ\xfcrgen\n", "not UTF-8 text at byte 6"),
        (b"name\n" + b"a" * 100_001, "not a CSV file: "),
        (b'name\n"Ann\nBob\n', "not a CSV file: unexpected end of data"),
    ],
)
@pytest.mark.parametrize("limit", [131_072, 10_000_000])
def test_what_is_no_csv_file_is_refused_whatever_the_limit_of_the_process(
    data: bytes, said: str, limit: int, tmp_path: Path
) -> None:
    before = csv.field_size_limit(limit)
    (tmp_path / "a.csv").write_bytes(data)
    try:
        with pytest.raises(InputError, match=said):
            read_csv(str(tmp_path / "a.csv"))
    finally:
        csv.field_size_limit(before)


def test_a_missing_column_is_named_beside_those_that_are_there() -> None:
    with pytest.raises(InputError, match=r"a\.csv: no column id; it has name"):
        need_columns("a.csv", ["name"], ("name", "id"))
