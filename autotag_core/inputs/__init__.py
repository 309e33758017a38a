"""What people give as files: catalogs, sessions, searches, lists of ids. Each row is read, or said to be unreadable."""

from autotag_core.inputs.columns import SPACE, Column
from autotag_core.inputs.layout import Kind, Part, file_kind, find_parts
from autotag_core.inputs.lines import MAX_ROW_BYTES
from autotag_core.inputs.readable_rows import readable_rows
from autotag_core.inputs.row import WRONG_FILE, WRONG_ROW
from autotag_core.inputs.rows import read_part, schema

__all__ = [
    "MAX_ROW_BYTES",
    "SPACE",
    "WRONG_FILE",
    "WRONG_ROW",
    "Column",
    "Kind",
    "Part",
    "file_kind",
    "find_parts",
    "read_part",
    "readable_rows",
    "schema",
]
