"""Parquet as rows: the wanted columns alone, by the schema of each file, however much a few kilobytes unfold to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from autotag_core import storage
from autotag_core.inputs.columns import SPACE, Column, places_of, to_integer, value_of
from autotag_core.inputs.layout import Part
from autotag_core.inputs.lines import MAX_ROW_BYTES, TOO_LONG
from autotag_core.inputs.row import BATCH_BYTES, BATCH_ROWS, WRONG_FILE, WRONG_ROW, folder_values


def read_parquet(part: Part, columns: Sequence[Column], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Rows of the row groups that begin in the part, as batches of this schema.

    A row that would take more than 8 MB is unreadable. Strings are read as codes of a dictionary, where the file has
    them so, and spelled out only for rows that are not too large. Memory: a batch of about 16 MB and a page a column.
    OSError or ArrowException where the file is damaged.
    """
    filesystem, (path,) = storage.arrow_paths([part.uri])
    with filesystem.open_input_file(path) as file:
        found = pq.ParquetFile(file)
        folders = folder_values(part, columns)
        places, problem = places_of(found.schema_arrow.names, columns, folders)
        problem = problem or _wrong_type(found.schema_arrow, places, columns)
        if problem:
            yield _of_problem(1, WRONG_FILE, f"{part.uri}: {problem}", schema)
            return
        leaves = [found.metadata.schema.column(at).path for at in range(found.metadata.num_columns)]
        texts = [leaf for leaf in leaves if leaf.split(".")[0] in places.values()]
        coded = pq.ParquetFile(file, metadata=found.metadata, read_dictionary=texts)
        for number in range(found.num_row_groups):
            if part.start <= _start(found.metadata.row_group(number)) < part.end:
                rows = _batch_rows(found.metadata.row_group(number), set(texts))
                read = coded.iter_batches(rows, row_groups=[number], columns=[*places.values()], use_threads=False)
                for batch in read:
                    yield from _converted(batch, places, folders, columns, schema)


def _start(group: pq.RowGroupMetaData) -> int:
    first = group.column(0)
    return min(first.data_page_offset, first.dictionary_page_offset or first.data_page_offset)


def _batch_rows(group: pq.RowGroupMetaData, leaves: set[str]) -> int:
    """As many rows as take about BATCH_BYTES, as far as the file tells the truth about itself."""
    chunks = [group.column(at) for at in range(group.num_columns)]
    num_bytes = sum(chunk.total_uncompressed_size for chunk in chunks if chunk.path_in_schema in leaves)
    return int(np.clip(BATCH_BYTES * group.num_rows // max(num_bytes, 1), 1, BATCH_ROWS))


def _wrong_type(schema: pa.Schema, places: dict[str, str], columns: Sequence[Column]) -> str | None:
    for column in columns:
        if column.name in places:
            kind = schema.field(places[column.name]).type
            wanted = _wanted(column, kind)
            if wanted:
                return f"column {column.name} is {kind}; it must be {wanted}"
    return None


def _wanted(column: Column, kind: pa.DataType) -> str | None:
    """What the column must be, where a column of this type is not."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_null(kind):
        return None
    if column.is_list:
        item = kind.value_type if _is_list(kind) else None
        item = item.value_type if item is not None and pa.types.is_dictionary(item) else item
        right = item is not None and (pa.types.is_null(item) or _is_text(item) or _is_id(column, item))
        return None if right else f"list<{'string or integer' if column.kind == 'ids' else 'string'}>"
    if column.kind == "id":
        return None if _is_text(kind) or _is_id(column, kind) else "string or integer"
    if pa.types.is_nested(kind) or _is_binary(kind):
        return "int64" if column.kind == "integer" else "string"
    return None


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def _is_id(column: Column, kind: pa.DataType) -> bool:
    is_whole = pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0)
    return column.kind in ("id", "ids") and is_whole


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)


def _converted(
    batch: pa.RecordBatch,
    places: dict[str, str],
    folders: dict[str, str | None],
    columns: Sequence[Column],
    schema: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    num_bytes = np.zeros(batch.num_rows, np.int64)
    for array in batch.columns:
        num_bytes += _sizes(array)
    is_kept = num_bytes <= MAX_ROW_BYTES
    if not is_kept.all():
        yield _of_problem(int((~is_kept).sum()), WRONG_ROW, TOO_LONG, schema)
        batch, num_bytes = batch.filter(pa.array(is_kept)), num_bytes[is_kept]
    after = np.cumsum(num_bytes) // BATCH_BYTES
    bounds = [0, *(np.flatnonzero(np.diff(after)) + 1).tolist(), batch.num_rows]
    for start, end in itertools.pairwise(bounds):
        if start < end:
            yield _spelled_out(batch.slice(start, end - start), places, folders, columns, schema)


def _sizes(array: pa.Array) -> NDArray[np.int64]:
    """About how many bytes each row takes when it is spelled out."""
    if _is_list(array.type):
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        sums = np.concatenate([[0], np.cumsum(_sizes(array.flatten()) + 8)])
        ends = np.cumsum(lengths)
        return np.asarray(sums[ends] - sums[ends - lengths], np.int64)
    if pa.types.is_dictionary(array.type):
        by_code = np.append(_sizes(array.dictionary), 0)
        return np.asarray(by_code[pc.fill_null(array.indices, len(by_code) - 1).to_numpy()], np.int64)
    if _is_text(array.type):
        return np.asarray(pc.fill_null(pc.binary_length(array), 0).to_numpy(), np.int64)
    return np.full(len(array), 8, np.int64)


def _spelled_out(
    batch: pa.RecordBatch,
    places: dict[str, str],
    folders: dict[str, str | None],
    columns: Sequence[Column],
    schema: pa.Schema,
) -> pa.RecordBatch:
    arrays: list[pa.Array] = []
    wrong: list[str | None] = [None] * batch.num_rows
    problem = list(wrong)
    for column in columns:
        if column.name not in places:
            said_by_folder = folders.get(column.name)
            value = to_integer(said_by_folder) if column.kind == "integer" else said_by_folder
            arrays.append(pa.array([value] * batch.num_rows, column.type))
            continue
        array = batch.column(places[column.name])
        if column.kind == "integer":
            arrays.append(pa.array([to_integer(str(value)) for value in array.to_pylist()], pa.int64()))
        elif column.kind == "ids":
            found = [value_of(column, value) for value in _valid(array.cast(column.type)).to_pylist()]
            arrays.append(pa.array([value for value, _ in found], column.type))
            said = [text for _, text in found]
            wrong, problem = [w or (column.name if s else None) for w, s in zip(wrong, said, strict=True)], said
        elif column.is_list:
            arrays.append(_valid(array.cast(column.type)))
        else:
            trimmed = pc.utf8_trim(_valid(array.cast(pa.string())), characters=SPACE)
            arrays.append(pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed))
    ends = [pa.array(values, pa.string()) for values in (wrong, problem, [None] * batch.num_rows)]
    return pa.RecordBatch.from_arrays([*arrays, *ends], schema=schema)


def _valid(array: pa.Array) -> pa.Array:
    """The strings, with a replacement for bytes that are no UTF-8, which Parquet does not rule out."""
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        is_list = pa.types.is_list(array.type)
        values = array.cast(pa.list_(pa.binary()) if is_list else pa.binary()).to_pylist()
        return pa.array([_decoded(value) for value in values], array.type)
    return array


def _decoded(value: list[bytes | None] | bytes | None) -> object:
    if isinstance(value, list):
        return [_decoded(item) for item in value]
    return None if value is None else value.decode("utf-8", "replace")


def _of_problem(num_rows: int, wrong: str, problem: str, schema: pa.Schema) -> pa.RecordBatch:
    said = {"wrong": wrong, "problem": problem}
    return pa.RecordBatch.from_arrays(
        [pa.array([said.get(field.name)] * num_rows, field.type) for field in schema], schema=schema
    )
