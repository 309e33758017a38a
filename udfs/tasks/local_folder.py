"""Where tasks keep files on their host."""

from __future__ import annotations

from pathlib import Path

from autotag_core import storage
from autotag_core.errors import scratch_folders


def local_folder() -> Path:
    """Where this executor may keep files. Spark gives its workers local folders and deletes them when it ends."""
    return scratch_folders()[0] / storage.SHARED
