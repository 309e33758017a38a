"""Objects of S3 as Arrow opens them, read by boto3: for buckets whose requester pays, as Arrow itself can't."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast

import pyarrow as pa
import pyarrow.fs as pafs

from autotag_core.storage.explaining import explain, outage_at
from autotag_core.storage.files import s3_client

_READ_AHEAD = 2**20
"""Bytes of one request at least: most reads go on where the last one ended."""


def payer_filesystem() -> pafs.FileSystem:
    """A file system for reading. Its paths are bucket/key, as those of Arrow's own."""
    return pafs.PyFileSystem(_Handler())


class _Object(io.RawIOBase):
    """An object, from any place in it. Each read is a request for a range."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._bucket, _, self._key = path.partition("/")
        self._path, self._at = path, 0
        self._size = _size(path)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        span = f"bytes={self._at}-{self._at + wanted - 1}"
        try:
            data = s3_client().get_object(Bucket=self._bucket, Key=self._key, Range=span)["Body"].read()
        except Exception as error:
            raise _error(self._path, error) from None
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _size(path: str) -> int:
    bucket, _, key = path.partition("/")
    try:
        return int(s3_client().head_object(Bucket=bucket, Key=key)["ContentLength"])
    except Exception as error:
        raise _error(path, error) from None


def _error(path: str, error: Exception) -> Exception:
    return outage_at(f"s3a://{path}", error) or OSError(explain(f"s3a://{path}", error))


class _Handler(pafs.FileSystemHandler):
    """What reading needs. Everything else is refused: nothing is written by this way."""

    def get_type_name(self) -> str:
        return "boto3"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: list[str]) -> list[pafs.FileInfo]:
        return [pafs.FileInfo(path, pafs.FileType.File, size=_size(path)) for path in paths]

    def open_input_file(self, path: str) -> pa.NativeFile:
        return pa.PythonFile(cast("BinaryIO", io.BufferedReader(_Object(path), _READ_AHEAD)), mode="r")

    open_input_stream = open_input_file

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("files of a bucket whose requester pays are only read by this way")

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refuse
    delete_file = move = copy_file = open_output_stream = open_append_stream = _refuse
