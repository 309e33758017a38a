"""Which files a URI stands for, and the parts of them that tasks read."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from autotag_core import storage
from autotag_core.errors import InputError

Kind = Literal["json", "csv", "parquet", "lines"]
SUFFIXES: dict[str, Kind] = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".csv": "csv",
    ".parquet": "parquet",
}
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
"""Suffixes of compressed text, and Arrow's names for them."""
PART_BYTES = 32 * 2**20
"""What one task reads: seconds of work."""
_OPEN_BYTES = 2**20
"""What opening a file costs, in bytes read meanwhile: a task takes at most 32 small files."""
_ALL = 2**62
"""The end of a part that is a whole file, however long its text is."""
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True)
class Part:
    """The bytes from `start` to before `end` of a file: what begins in them is read."""

    uri: str
    kind: Kind
    start: int
    end: int
    folders: tuple[tuple[str, str | None], ...] = ()
    """Names and values of folders such as uploader=kim, from the outermost on, as text."""

    @property
    def compression(self) -> str | None:
        """Arrow's name for how the text is compressed."""
        return None if self.kind == "parquet" else COMPRESSIONS.get(posixpath.splitext(self.uri.lower())[1])


def file_kind(uri: str, otherwise: Kind | None = None) -> Kind:
    """By the suffix: json (JSON lines), csv or parquet. For any other suffix `otherwise`, or InputError."""
    kind = _kind(uri) or otherwise
    if kind is None:
        raise InputError(
            f"{uri}: the suffix must be {', '.join(SUFFIXES)}; all but .parquet may be followed by "
            f"{', '.join(COMPRESSIONS)}"
        )
    return kind


def find_parts(uri: str, kind: Kind | None = None) -> list[list[Part]]:
    """The parts of the file, or of all files below the folder: a list for each task, in the order of their names.

    Without a kind the suffix says it. Left out are files and folders whose name begins with `_` or `.`, as Spark and
    others name what is no data. InputError where there is nothing, a file of another kind, a Delta table, or something
    that is neither a file nor a folder. Cost: one listing; a task gets 32 MB, which for compressed text or CSV may be
    one large file.
    """
    kind = kind or file_kind(uri)
    tasks: list[list[Part]] = []
    room = 0
    for file, num_bytes in sorted(_data_files(uri.rstrip("/"), kind).items()):
        for part in _parts(file, num_bytes, kind, uri.rstrip("/")):
            cost = min(part.end, num_bytes) - part.start + _OPEN_BYTES
            if cost > room:
                tasks.append([])
                room = PART_BYTES + _OPEN_BYTES
            tasks[-1].append(part)
            room -= cost
    return tasks


def _kind(uri: str) -> Kind | None:
    path = uri.rstrip("/").lower()
    plain = path
    for suffix in COMPRESSIONS:
        plain = plain.removesuffix(suffix)
    kind = next((kind for suffix, kind in SUFFIXES.items() if plain.endswith(suffix)), None)
    return None if kind == "parquet" and plain != path else kind


def _data_files(uri: str, kind: Kind) -> dict[str, int]:
    """Bytes of each file that holds rows, by its URI."""
    found = storage.sizes(uri)
    if list(found) == [uri]:
        return found
    if any(file.removeprefix(uri).startswith("/_delta_log/") for file in found):
        raise InputError(f"{uri}: it is a Delta table, some of whose files are no longer part of it: export its rows")
    data = {file: size for file, size in found.items() if not _is_hidden(file.removeprefix(uri))}
    for file in data:
        other = _kind(file)
        if kind != "lines" and other not in (None, kind):
            raise InputError(f"{file}: a {other} file in a folder of {kind} files: take it out, or give it alone")
    return data


def _is_hidden(path: str) -> bool:
    return any(name.startswith(("_", ".")) for name in path.strip("/").split("/"))


def _parts(file: str, num_bytes: int, kind: Kind, root: str) -> Iterator[Part]:
    folders = tuple(_folders(posixpath.dirname(file.removeprefix(root))))
    whole = Part(file, kind, 0, _ALL, folders)
    if kind == "csv" or whole.compression:  # a cell may hold line breaks, and nobody can begin in the middle of a .gz
        yield whole
        return
    for start in range(0, num_bytes, PART_BYTES):
        yield Part(file, kind, start, min(start + PART_BYTES, num_bytes), folders)


def _folders(path: str) -> Iterator[tuple[str, str | None]]:
    for name in path.strip("/").split("/"):
        key, equals, value = name.partition("=")
        if equals:
            yield unquote(key), None if value == _NO_VALUE else unquote(value)
