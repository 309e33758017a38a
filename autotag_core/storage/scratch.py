"""Temporary folders on this machine, and the end of those whose process was killed."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from autotag_core.errors import scratch_folders

SCRATCH = "autotag-scratch-"
"""How the names of all temporary folders begin. Each is deleted by its process, unless that is killed."""
SHARED = "autotag-shards"
"""Folder of files that the processes of a machine share: they may be fetched again."""
_OLD_S = 24 * 3600


def drop_old_scratch() -> list[Path]:
    """Delete what killed processes left in this machine's temporary folders, and shared files. Gives what is gone.

    Only what nobody has written to for a day goes. Spark's own folders are looked into, and stay: Spark deletes them.
    """
    before = time.time() - _OLD_S
    gone = []
    for path in _leftovers():
        with suppress(OSError):  # another process was first, or it is another user's
            if _newest_change(path) >= before:
                continue
            shutil.rmtree(path) if path.is_dir() else path.unlink()
            gone.append(path)
    return gone


def _leftovers() -> Iterator[Path]:
    for root in sorted(set(scratch_folders())):
        for below in ("", "blockmgr-*/"):
            yield from root.glob(f"{below}{SCRATCH}*")
            yield from root.glob(f"{below}{SHARED}/*")


def _newest_change(path: Path) -> float:
    return max(place.lstat().st_mtime for place in (path, *path.rglob("*")))
