"""JSON lines as rows: each line an object, whose numbers stay as they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from autotag_core.inputs.columns import SPACE, Column, Number, spellings, twice, value_of
from autotag_core.inputs.layout import Part
from autotag_core.inputs.lines import TOO_LONG, read_lines
from autotag_core.inputs.row import WRONG_ROW, Row, folder_values


class _Object(list[tuple[str, Any]]):
    """Names and values of an object in their order: a name may come twice."""


_parse = json.JSONDecoder(
    object_pairs_hook=_Object, parse_int=Number, parse_float=Number, parse_constant=Number, strict=False
).decode


def read_json(part: Part, columns: Sequence[Column]) -> Iterator[Row]:
    """A row for each line that is not blank. A name is a column's, whatever its case and the space around it."""
    folders = folder_values(part, columns)
    for line in read_lines(part):
        text = line.text.decode("utf-8", "replace").strip(SPACE)
        if line.is_cut:
            yield Row([None] * len(columns), WRONG_ROW, TOO_LONG, text, len(text))
        elif text:
            yield _row(text, columns, folders)._replace(raw=text, num_bytes=2 * len(text))


def _row(text: str, columns: Sequence[Column], folders: dict[str, str | None]) -> Row:
    nothing = [None] * len(columns)
    try:
        pairs = _parse(text)
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, _Object):
        return Row(nothing, WRONG_ROW, f"not a JSON object{_why(text)}")
    names = spellings([*(name for name, _ in pairs), *folders], columns)
    problem = twice(names)
    if problem:
        return Row(nothing, WRONG_ROW, problem)
    found = dict(pairs)
    values: list[Any] = []
    wrong = None
    for column in columns:
        if column.name in folders:
            values.append(folders[column.name])
            continue
        spelled = names[column.name]
        value, said = value_of(column, found[spelled[0]] if spelled else None)
        values.append(value)
        if said and problem is None:
            wrong, problem = column.name, said
    return Row(values, wrong, problem)


def _why(text: str) -> str:
    """What probably went wrong where the file was written."""
    if text in ("[", "]") or text.startswith(("[{", "[ {")) or text.endswith(("},", "}]")):
        return ", but part of a JSON array: write one object a line, without brackets and commas around it"
    if text.startswith('"'):
        return ", but a text: if it quotes an object, write the object itself"
    if "\0" in text:
        return ", perhaps UTF-16: write UTF-8"
    if text.startswith("{") and not text.endswith("}"):
        return ", cut short: is the file whole?"
    return ""
