"""Local files that somebody else has named: only regular ones are opened, and nothing waits for a pipe or a device."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


class IrregularFileError(OSError):
    """A directory, a pipe, a device or a socket stands where a file should be."""


def open_regular(path: Path) -> BinaryIO:
    """The file, open for reading. IrregularFileError where it is none; other OSErrors as `open` raises them."""
    _check(os.stat(path).st_mode)  # noqa: PTH116 - opening some devices is already an action
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        _check(os.fstat(descriptor).st_mode)  # it may be another one by now
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def real_path(file: BinaryIO) -> str:
    """Where an open file lies, whatever links led to it."""
    return os.readlink(f"/proc/self/fd/{file.fileno()}")  # noqa: PTH115


def _check(mode: int) -> None:
    if not stat.S_ISREG(mode):
        kind = "a directory" if stat.S_ISDIR(mode) else "no regular file"
        raise IrregularFileError(errno.EISDIR, f"this is {kind}; it must be a file")
