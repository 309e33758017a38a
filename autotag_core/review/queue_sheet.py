"""The queue as a sheet: one row a tag, with empty columns for the editor."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from autotag_core.review.queue import QueuedTag
from autotag_core.review.sheet_cells import inert_cell

COLUMNS = (
    "gif_id", "tag", "kind", "probability", "popularity", "caption", "other tags", "uri", "run_id",
    "decision", "by", "at",
)  # fmt: skip
"""decision, by and at are the editor's. `at` may stay empty."""


def queue_sheet(tags: Iterable[QueuedTag], run_id: str) -> bytes:
    """CSV in UTF-8 with a byte order mark, which tells spreadsheets the encoding."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in tags:
        chance = "" if one.probability is None else f"{one.probability:.4f}"
        caption = " ".join((one.caption or "").split())  # a cell with a line break is a row gone wrong
        texts = (caption, ", ".join(one.other_tags), one.uri)
        cells = [inert_cell(one.gif_id), inert_cell(one.tag), one.kind, chance, one.popularity]
        writer.writerow([*cells, *map(inert_cell, texts), run_id, "", "", ""])
    return b"\xef\xbb\xbf" + out.getvalue().encode("utf-8", "replace")
