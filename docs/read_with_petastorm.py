"""Print the rows of a release's training_examples, a JSON line each, read with petastorm 0.12.1.

    .venv-petastorm/bin/python docs/read_with_petastorm.py s3://bucket/warehouse/training_examples 12

12 is the table's version in that release: `table_versions` of `autotag runs --json`. The script needs the packages of
requirements-petastorm.lock and nothing of autotag. S3 is reached with the credentials, AWS_REGION and AWS_ENDPOINT_URL
that are set.

Three things must be known. petastorm gets the files of one version: given the folder, it also reads files of other
versions. It has no lists of different lengths: `packed` makes bytes of them in the reading threads, and would be the
place to make arrays of a fixed shape, which petastorm's DataLoader wants. And it knows only the file systems that
pyarrow had before version 15: `ArrowFiles` is one of them.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas as pd
import pyarrow.fs as pafs
from deltalake import DeltaTable

warnings.simplefilter("ignore")  # petastorm stands on what was about to go, and says so for every file

from petastorm import make_batch_reader  # noqa: E402
from petastorm.transform import TransformSpec  # noqa: E402
from pyarrow.filesystem import FileSystem  # noqa: E402

COLUMNS = ["gif_id", "split", "uri", "version", "label_ids", "confidences", "frames"]
SIZE_BYTES = 4


class ArrowFiles(FileSystem):
    """A file system of pyarrow.fs for petastorm, which calls every path a local one: on S3 it is /bucket/key."""

    def __init__(self, filesystem: pafs.FileSystem) -> None:
        self.filesystem = filesystem

    def open(self, path: str, mode: str = "rb") -> Any:
        """The file, to be read."""
        return self.filesystem.open_input_file(self._path(path))

    def isfile(self, path: str) -> bool:
        """Whether it is a file."""
        return bool(self.filesystem.get_file_info(self._path(path)).type == pafs.FileType.File)

    def isdir(self, path: str) -> bool:
        """Never: petastorm is given files."""
        return False

    exists = isfile

    def _path(self, path: str) -> str:
        return path if isinstance(self.filesystem, pafs.LocalFileSystem) else path.removeprefix("/")


def version_files(table_uri: str, version: int) -> tuple[pafs.FileSystem, list[str]]:
    """A file system, and the URLs, as petastorm takes them, of the files that hold the rows of the version."""
    scheme, _, path = table_uri.rpartition("://")
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    if scheme:
        options = {"AWS_ALLOW_HTTP": str(endpoint.scheme == "http").lower()}
        table = DeltaTable(f"s3://{path}", version=version, storage_options=options)
        filesystem = pafs.S3FileSystem(
            region=os.environ.get("AWS_REGION"),
            scheme=endpoint.scheme or None,
            endpoint_override=endpoint.netloc or None,
        )
    else:
        path = str(Path(table_uri).absolute())
        table, filesystem = DeltaTable(path, version=version), pafs.LocalFileSystem()
    root = f"file:///{path.removeprefix('/')}"  # of S3 too: see ArrowFiles
    names = table.get_add_actions(flatten=True).column("path").to_pylist()
    outside = [name for name in map(unquote, names) if name.startswith("/") or ".." in name.split("/") or ":/" in name]
    if outside:
        raise SystemExit(f"{table_uri}: its log names {outside[0]!r}, which lies outside of the table")
    return filesystem, sorted(f"{root}/{unquote(name)}" for name in names)


def packed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with each list as bytes; a file of `frames` stands behind its size in 4 bytes, little-endian."""
    return rows.assign(**{name: rows[name].map(PACK[name]) for name in rows.columns.intersection(list(PACK))})


def pack_files(files: Sequence[bytes] | None) -> bytes:
    """Files one behind the other; of null as of none."""
    return b"".join(len(file).to_bytes(SIZE_BYTES, "little") + file for file in ([] if files is None else files))


def unpack_files(cell: bytes) -> list[bytes]:
    """The files that pack_files was given."""
    files, start = [], 0
    while start < len(cell):
        end = start + SIZE_BYTES + int.from_bytes(cell[start : start + SIZE_BYTES], "little")
        files.append(cell[start + SIZE_BYTES : end])
        start = end
    return files


PACK = {
    "label_ids": lambda cell: np.asarray(cell, "<i4").tobytes(),
    "confidences": lambda cell: np.asarray(cell, "<f4").tobytes(),
    "frames": pack_files,
}
UNPACK = {
    "label_ids": lambda cell: np.frombuffer(cell, "<i4").tolist(),
    "confidences": lambda cell: np.frombuffer(cell, "<f4").tolist(),
    "frames": unpack_files,
}


def read_rows(filesystem: pafs.FileSystem, urls: list[str], columns: list[str] = COLUMNS) -> Iterator[dict[str, Any]]:
    """Every row once, in any order."""
    reader = make_batch_reader(
        urls,
        schema_fields=columns,
        workers_count=4,
        transform_spec=TransformSpec(
            packed, edit_fields=[(name, np.bytes_, (), False) for name in PACK if name in columns]
        ),
        filesystem=ArrowFiles(filesystem),
    )
    with reader:
        for batch in reader:
            for values in zip(*(getattr(batch, name) for name in columns), strict=True):
                yield {name: UNPACK.get(name, str)(value) for name, value in zip(columns, values, strict=True)}


def main(table_uri: str, version: str) -> None:
    """Print the rows; of each stored frame its sha256."""
    for row in read_rows(*version_files(table_uri, int(version))):
        print(json.dumps(row | {"frames": [sha256(file).hexdigest() for file in row["frames"]]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
