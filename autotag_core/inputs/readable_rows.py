"""Rows of a file of which every one must be readable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.inputs.columns import Column
from autotag_core.inputs.layout import file_kind, find_parts
from autotag_core.inputs.rows import read_part
from autotag_core.terminal import shown


def readable_rows(uri: str, columns: Sequence[Column]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(URI of the part, row) of each row of CSV, JSON lines or Parquet. InputError for the first that can't be read."""
    storage.check_exists(uri)
    for parts in find_parts(uri, file_kind(uri, otherwise="json")):
        for part in parts:
            for batch in read_part(part, columns, "|"):
                for row in batch.to_pylist():
                    if row["wrong"] is not None:
                        raise InputError(shown(f"{part.uri}: {row['problem']}: {row['raw'] or ''}"[:500].rstrip(": ")))
                    yield part.uri, row
