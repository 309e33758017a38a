"""One copy on each host of what all its tasks read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from autotag_core.storage.files import locked
from autotag_core.storage.uris import is_s3, local_path


def host_copy(uri: str, folder: Path, download: Callable[[Path], None], last: str = "") -> Path:
    """The file or folder at the URI as a local path: a local one where it is, one on S3 as a copy below `folder`.

    The first process of the host that asks calls `download` with the path of the copy; the others wait. The copy is
    whole once `path / last` exists, so `download` makes that at its end, by a rename.
    """
    if not is_s3(uri):
        return local_path(uri)
    path = folder / hashlib.sha256(uri.encode()).hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    with locked(path.with_suffix(".lock")):
        if not (path / last).exists():
            download(path)
    return path
