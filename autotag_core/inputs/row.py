"""A row that was read, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from autotag_core.errors import InputError
from autotag_core.inputs.columns import SPACE, Column
from autotag_core.inputs.layout import Part

WRONG_ROW, WRONG_FILE = "row", "file"
BATCH_BYTES = 16 * 2**20
"""About what the rows of a batch take in memory, at most."""
BATCH_ROWS = 4096


class Row(NamedTuple):
    """Values in the order of the columns, all null in a row that can't be read."""

    values: list[Any]
    wrong: str | None = None
    """None, the name of a column, WRONG_ROW, or WRONG_FILE where nothing of the file can be read."""
    problem: str | None = None
    """What is wrong, in words."""
    raw: str | None = None
    """The row as the file has it, where it is text."""
    num_bytes: int = 0
    """About what it takes in memory."""


def folder_values(part: Part, columns: Sequence[Column]) -> dict[str, str | None]:
    """What the names of the file's folders say of the columns. InputError where they say what a list is."""
    by_name = {column.name: column for column in columns}
    found: dict[str, str | None] = {}
    for key, value in part.folders:
        column = by_name.get(key.strip(SPACE).lower())
        if column is None:
            continue
        if column.is_list or column.name in found:
            raise InputError(f"{part.uri}: {column.name} can't come from the name of a folder, {key}={value}")
        found[column.name] = value.strip(SPACE) or None if value else None
    return found
