"""Models that a night has made and later nights use again: files in the warehouse that are never replaced."""

from __future__ import annotations

import hashlib

from autotag_core import storage
from jobs.run.run import Run


def saved_model(run: Run, stem: str) -> str | None:
    """URI of the newest model of this stem. None: there is none.

    The stem names all that the model depends on, except the catalog.
    """
    if not storage.is_file(_pointer(run, stem)):
        return None
    return storage.below(
        storage.join(run.warehouse, "models"), storage.read_bytes(_pointer(run, stem)).decode().strip()
    )


def save_model(run: Run, stem: str, suffix: str, data: bytes) -> str:
    """Write a model, let the pointer name it, and give its URI.

    The name holds a hash of the content, so no model replaces another. Models that earlier runs recorded stay there.
    """
    name = f"{stem}-{hashlib.sha256(data).hexdigest()[:12]}{suffix}"
    uri = storage.join(run.warehouse, "models", name)
    storage.write_bytes(uri, data)
    storage.write_bytes(_pointer(run, stem), f"{name}\n".encode())
    return uri


def _pointer(run: Run, stem: str) -> str:
    """URI of the file that names the newest model: `models/<stem>.current`."""
    return storage.join(run.warehouse, "models", f"{stem}.current")
