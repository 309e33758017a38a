"""Models that a night has made and later ones use again: files in the warehouse that are never replaced."""

from __future__ import annotations

import hashlib

from autotag_core import storage
from jobs.run.run import Run


def saved_model(run: Run, stem: str) -> str | None:
    """URI of the newest model of this stem, which names what it depends on but the catalog; None: there is none."""
    if not storage.is_file(_pointer(run, stem)):
        return None
    return storage.join(run.warehouse, "models", storage.read_bytes(_pointer(run, stem)).decode().strip())


def save_model(run: Run, stem: str, suffix: str, data: bytes) -> str:
    """Write a model under a name that holds its content, so that none replaces another, then let the pointer name it.

    What earlier runs recorded as theirs stays there. Returns its URI.
    """
    name = f"{stem}-{hashlib.sha256(data).hexdigest()[:12]}{suffix}"
    uri = storage.join(run.warehouse, "models", name)
    storage.write_bytes(uri, data)
    storage.write_bytes(_pointer(run, stem), f"{name}\n".encode())
    return uri


def _pointer(run: Run, stem: str) -> str:
    """URI of the file that names the newest: `models/<stem>.current`."""
    return storage.join(run.warehouse, "models", f"{stem}.current")
