"""Where tasks keep files on their host."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from autotag_core import storage


def local_folder() -> Path:
    """Where this executor may keep files. Spark gives its workers local folders and deletes them when it ends."""
    return Path(os.environ.get("SPARK_LOCAL_DIRS", tempfile.gettempdir()).split(",")[0]) / storage.SHARED
