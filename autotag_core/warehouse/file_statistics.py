"""What a data file says of its columns in the log, so that readers skip files that hold nothing they want."""

from __future__ import annotations

import json
import math
from typing import Any

import pyarrow.parquet as pq

_MAX_TEXT = 32
"""Characters of a text that statistics keep, as Delta's own do."""
_LAST_CHARACTER = "\U0010ffff"


def statistics_json(metadata: pq.FileMetaData) -> str:
    """JSON with numRecords, and minValues, maxValues and nullCount of columns that hold one number or text a row.

    Delta protocol, "Per-file Statistics". Texts are cut to 32 characters. The greatest text then gets a character that
    no text goes beyond. A column is left out if a row group says nothing about it.
    """
    smallest: dict[str, Any] = {}
    greatest: dict[str, Any] = {}
    nulls: dict[str, int] = {}
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    for at in range(metadata.num_columns):
        name = groups[0].column(at).path_in_schema
        if "." in name or metadata.schema.column(at).max_repetition_level:
            continue
        found = [group.column(at).statistics for group in groups]
        if any(one is None or not one.has_null_count for one in found):
            continue
        nulls[name] = sum(one.null_count for one in found)
        limits = _limits([one for one, group in zip(found, groups, strict=True) if one.null_count < group.num_rows])
        if limits is not None:
            smallest[name], greatest[name] = limits
    return json.dumps(
        {"numRecords": metadata.num_rows, "minValues": smallest, "maxValues": greatest, "nullCount": nulls}
    )


def _limits(found: list[pq.Statistics]) -> tuple[Any, Any] | None:
    """The least and the greatest value as in JSON. None where they are unknown or of no use for skipping files."""
    if not found or not all(one.has_min_max for one in found):
        return None
    low, high = min(one.min for one in found), max(one.max for one in found)
    if isinstance(low, bool) or not isinstance(low, (int, float, str)):
        return None
    if isinstance(low, float) and not (math.isfinite(low) and math.isfinite(high)):
        return None
    if isinstance(low, str):
        return low[:_MAX_TEXT], high if len(high) <= _MAX_TEXT else high[:_MAX_TEXT] + _LAST_CHARACTER
    return low, high
