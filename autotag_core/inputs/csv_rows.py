"""CSV as rows, quoted as RFC 4180 says, by the header of each file."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from autotag_core.inputs.columns import SPACE, Column, Number, places_of, to_integer, value_of
from autotag_core.inputs.layout import Part
from autotag_core.inputs.lines import MAX_ROW_BYTES, SHOWN_BYTES, TOO_LONG, Line, read_lines
from autotag_core.inputs.row import WRONG_FILE, WRONG_ROW, Row, folder_values

csv.field_size_limit(MAX_ROW_BYTES + SHOWN_BYTES)
_UTF8_MARK = b"\xef\xbb\xbf"


class _TooLongError(Exception):
    """A row that is not kept."""


class _Source:
    """Gives the lines of one row after another to csv.reader, and keeps the beginning of the row."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self.begin()

    def begin(self) -> None:
        self.text, self._num_bytes = "", 0

    def __iter__(self) -> _Source:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        is_within = self._num_bytes > 0  # the reader goes on to a second line only within quotes
        self._num_bytes += line.num_bytes
        text = line.text.decode("utf-8", "replace")
        if len(self.text) < SHOWN_BYTES:
            self.text += text[:SHOWN_BYTES]
        if self._num_bytes > MAX_ROW_BYTES:
            self._skip(is_within ^ (_num_quotes(line) % 2 == 1))
            raise _TooLongError
        return text

    def _skip(self, is_within: bool) -> None:
        """Go past the line in which the quotes end."""
        while is_within:
            line = next(self._lines, None)
            is_within = line is not None and _num_quotes(line) % 2 == 0


def _num_quotes(line: Line) -> int:
    return line.num_quotes if line.is_cut else line.text.count(b'"')


def read_csv(part: Part, columns: Sequence[Column], separator: str) -> Iterator[Row]:
    """A row for each that is not blank.

    A list is a JSON list, or texts between separators. Missing cells at the end of a row are empty. Unreadable is a row
    with more cells than the header, or with a line break in a column that holds none: a comma or a quote went wrong in
    it, so its cells can't be told apart.
    """
    source = _Source(_without_mark(read_lines(part)))
    records = _records(source)
    nothing: list[Any] = [None] * len(columns)
    header = next(records, None)
    if header is None:  # an empty file: some writers make one for a task without rows
        return
    folders = folder_values(part, columns)
    names = [name.strip(SPACE) for name in header] if isinstance(header, list) else []
    found, problem = places_of(names, columns, folders)
    if problem:
        yield Row(nothing, WRONG_FILE, f"{part.uri}: {problem}", source.text)
        return
    places = {name: names.index(named) for name, named in found.items()}
    for cells in records:
        shown = source.text[:SHOWN_BYTES].strip()
        if isinstance(cells, str):
            yield Row(nothing, WRONG_ROW, cells, shown, len(shown))
            continue
        by_column = {name: cells[at] for name, at in places.items() if at < len(cells)} | folders
        row = _row(by_column, columns, separator)
        if len(cells) > len(names):
            row = row._replace(wrong=WRONG_ROW, problem=f"{len(cells)} cells under a header of {len(names)}")
        yield row._replace(raw=shown if row.wrong == WRONG_ROW else None, num_bytes=2 * sum(map(len, cells)))


def _records(source: _Source) -> Iterator[list[str] | str]:
    """The cells of each row that is not blank, or what is wrong with it."""
    reader = csv.reader(source, strict=True)
    while True:
        source.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _TooLongError:
            yield TOO_LONG
        except csv.Error as error:
            yield f"a quote is wrong ({error})"
        else:
            if cells:
                yield cells


def _without_mark(lines: Iterator[Line]) -> Iterator[Line]:
    """The lines without the byte order mark that would hide a quote at the beginning."""
    for number, line in enumerate(lines):
        yield line._replace(text=line.text.removeprefix(_UTF8_MARK)) if number == 0 else line


def _row(cells: dict[str, str | None], columns: Sequence[Column], separator: str) -> Row:
    values: list[Any] = []
    wrong = problem = None
    for column in columns:
        cell = cells.get(column.name)
        if cell and not column.holds_breaks and re.search(r"[\r\n]", cell):
            wrong, problem = WRONG_ROW, f"a line break in {column.name}: a quote is wrong"
        value, said = _value(column, cell, separator)
        values.append(value)
        if said and problem is None:
            wrong, problem = column.name, said
    return Row(values, wrong, problem)


def _value(column: Column, cell: str | None, separator: str) -> tuple[Any, str | None]:
    if column.kind == "integer":
        return to_integer(cell), None
    if not column.is_list:
        return (cell.strip(SPACE) or None) if cell else None, None
    if not cell or not cell.lstrip(SPACE).startswith("["):
        return cell.split(separator) if cell else None, None
    try:
        listed = json.loads(cell, parse_int=Number, parse_float=Number, strict=False)
    except (ValueError, RecursionError):
        listed = cell
    return value_of(column, listed)
