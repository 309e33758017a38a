"""CSV files that people give: who is in a picture, what is known of somebody, what an editor decided."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

from autotag_core import storage
from autotag_core.errors import InputError

MAX_CELL = 100_000
"""Characters. Python's own limit is one for the whole process, and other readers raise it."""
Row = tuple[int, Mapping[str, str]]
"""The number of the line in which a row ends, and its cells by column. Missing cells are empty."""


def read_csv(uri: str) -> tuple[Sequence[Row], Sequence[str]]:
    """The rows and the columns, without the space around cells. InputError where it is no CSV file in UTF-8."""
    text = storage.read_text(uri)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
        columns = [name.strip() for name in reader.fieldnames or ()]
        reader.fieldnames = columns
        rows: list[Row] = [(reader.line_num, {name: (row[name] or "").strip() for name in columns}) for row in reader]
    except csv.Error as error:
        raise InputError(f"{uri}: not a CSV file: {error}") from None
    long = next((line for line, row in rows if max(map(len, row.values()), default=0) > MAX_CELL), None)
    if long is not None:
        raise InputError(f"{uri}: not a CSV file: line {long} has a cell of more than {MAX_CELL:,} characters")
    return rows, columns


def need_columns(uri: str, columns: Sequence[str], wanted: Iterable[str]) -> None:
    """InputError where a column is not there."""
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise InputError(f"{uri}: no column {' and '.join(missing)}; it has {', '.join(columns) or 'none'}"[:500])
