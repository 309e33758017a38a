"""Where everything that is fetched is kept: the folder AUTOTAG_CACHE, by default .cache beside the code."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LOCK = PROJECT / "jars.lock"


def cache_folder(environment: Mapping[str, str] | None = None) -> Path:
    """The cache folder, absolute; it need not exist yet."""
    chosen = (os.environ if environment is None else environment).get("AUTOTAG_CACHE")
    return Path(chosen).expanduser().absolute() if chosen else PROJECT / ".cache"


def write_if_different(path: Path, text: str, mode: int = 0o644) -> None:
    """Make the file hold this text. Others see the old file or the whole new one."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    Path(partial).chmod(mode)
    Path(partial).replace(path)
