"""A known truth: the tags that are right for each GIF."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from autotag_core import storage
from autotag_core.errors import InputError

TRUTH = pa.schema(
    [
        pa.field("gif_id", pa.string()),
        pa.field("tags", pa.list_(pa.string())),
        pa.field("factors", pa.list_(pa.struct([("factor", pa.string()), ("tags", pa.list_(pa.string()))]))),
    ]
)
"""Columns of a truth. `factors` are the true tags by factor, null where the file does not give them."""

_MAX_SHOWN_ERRORS = 5


def read_truth(uri: str) -> pa.Table:
    """The TRUTH rows of JSON lines {gif_id, tags[, factors]}. InputError names the first bad lines and why."""
    rows: list[dict[str, Any]] = []
    lines_by_gif_id: dict[str, int] = {}
    problems: list[str] = []
    try:
        lines = storage.read_bytes(uri).decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise InputError(f"{uri}: not UTF-8 text at byte {error.start}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row, problem = _truth_row(line)
        if row is not None:
            first = lines_by_gif_id.setdefault(row["gif_id"], number)
            problem = f"gif_id {row['gif_id']!r} is on line {first} too" if first != number else None
            rows.append(row)
        if problem:
            problems.append(f"line {number}: {problem}")
    if problems:
        more = f"; and {len(problems) - _MAX_SHOWN_ERRORS:,} more" if len(problems) > _MAX_SHOWN_ERRORS else ""
        raise InputError(f"{uri}: {'; '.join(problems[:_MAX_SHOWN_ERRORS])}{more}")
    if not rows:
        raise InputError(f'{uri}: no rows; a truth has lines like {{"gif_id": "a", "tags": ["cat"]}}')
    return pa.Table.from_pylist(rows, schema=TRUTH)


def _truth_row(line: str) -> tuple[dict[str, Any] | None, str | None]:
    """A row of the truth, or what is wrong with the line."""
    try:
        row = json.loads(line)
    except ValueError as error:
        return None, f"not JSON ({error})"
    if not isinstance(row, dict):
        return None, f"a {type(row).__name__}, not an object"
    gif_id, tags, factors = row.get("gif_id"), row.get("tags"), row.get("factors")
    if not isinstance(gif_id, str) or not gif_id:
        return None, f"gif_id is {gif_id!r}, it must be a string"
    if not _are_strings(tags):
        return None, f"tags are {tags!r}, they must be a list of strings"
    if factors is not None and not (isinstance(factors, dict) and all(map(_are_strings, factors.values()))):
        return None, f"factors are {factors!r}, they must be lists of strings by name"
    entries = None if factors is None else [{"factor": name, "tags": tags} for name, tags in factors.items()]
    return {"gif_id": gif_id, "tags": row["tags"], "factors": entries}, None


def _are_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
