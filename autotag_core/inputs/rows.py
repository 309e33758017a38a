"""A part of a file as Arrow batches of rows, whatever its kind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.inputs.columns import SPACE, Column
from autotag_core.inputs.csv_rows import read_csv
from autotag_core.inputs.json_rows import read_json
from autotag_core.inputs.layout import Part
from autotag_core.inputs.lines import TOO_LONG, read_lines
from autotag_core.inputs.parquet_rows import read_parquet
from autotag_core.inputs.row import BATCH_BYTES, BATCH_ROWS, WRONG_FILE, WRONG_ROW, Row


def schema(columns: Sequence[Column]) -> pa.Schema:
    """The columns, then `wrong`, `problem` and `raw` of each row."""
    names = [pa.field(column.name, column.type) for column in columns]
    return pa.schema([*names, *(pa.field(name, pa.string()) for name in ("wrong", "problem", "raw"))])


def read_part(part: Part, columns: Sequence[Column], separator: str) -> Iterator[pa.RecordBatch]:
    """The rows that begin in the part, in batches of at most about 16 MB.

    `separator` is between the tags of a CSV cell that is no JSON list. A row that can't be read is a row that says so,
    as is a file whose columns can't be told: one row with `wrong` = file. InputError or OutageError where storage
    can't give the file.
    Memory: about 16 MB, and for Parquet a page of each column.
    """
    try:
        if part.kind == "parquet":
            yield from read_parquet(part, columns, schema(columns))
        else:
            yield from _batches(_rows(part, columns, separator), columns)
    except (OSError, pa.ArrowException) as error:
        if "AWS Error" in str(error):  # the file is not to blame, and may be read by another try
            raise storage.outage_at(part.uri, error) or InputError(storage.explain(part.uri, error)) from None
        nothing = [None] * len(columns)
        yield _batch([Row(nothing, WRONG_FILE, f"{part.uri}: cannot be read: {storage.one_line(error)}")], columns)


def _rows(part: Part, columns: Sequence[Column], separator: str) -> Iterator[Row]:
    if part.kind == "csv":
        return read_csv(part, columns, separator)
    if part.kind == "json":
        return read_json(part, columns)
    return _read_ids(part)


def _read_ids(part: Part) -> Iterator[Row]:
    """A text a line; blank lines are left out."""
    for line in read_lines(part):
        text = line.text.decode("utf-8", "replace").strip(SPACE)
        if line.is_cut:
            yield Row([None], WRONG_ROW, TOO_LONG, text, len(text))
        elif text:
            yield Row([text], num_bytes=len(text))


def _batches(rows: Iterator[Row], columns: Sequence[Column]) -> Iterator[pa.RecordBatch]:
    held: list[Row] = []
    num_bytes = 0
    for row in rows:
        held.append(row)
        num_bytes += row.num_bytes
        if len(held) == BATCH_ROWS or num_bytes > BATCH_BYTES:
            yield _batch(held, columns)
            held, num_bytes = [], 0
    if held:
        yield _batch(held, columns)


def _batch(rows: list[Row], columns: Sequence[Column]) -> pa.RecordBatch:
    wanted = schema(columns)
    by_column = [
        *(list(values) for values in zip(*(row.values for row in rows), strict=True)),
        [row.wrong for row in rows],
        [row.problem for row in rows],
        [row.raw for row in rows],
    ]
    return pa.RecordBatch.from_arrays(
        [_array(values, field.type) for values, field in zip(by_column, wanted, strict=True)], schema=wanted
    )


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, kind)
    except UnicodeEncodeError:  # JSON may escape half of a pair of UTF-16
        return pa.array([_paired(value) for value in values], kind)


def _paired(value: Any) -> Any:
    if isinstance(value, list):
        return [_paired(item) for item in value]
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if isinstance(value, str) else value
