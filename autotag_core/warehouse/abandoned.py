"""What killed processes left in a warehouse beside the tables. It goes after a day."""

from __future__ import annotations

from contextlib import suppress

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.warehouse.table_log import DAY_S

EVALUATION = "_evaluation"
"""Folder of the warehouse. In it, each evaluation under way has a folder of its own, which it deletes at its end."""
_MODELS = "models"


def drop_abandoned(warehouse: str) -> None:
    """Delete the folders of evaluations that nobody has written to for a day, and day-old models that are not whole.

    On S3 also uploads that began a day ago and never ended, where the credentials may list uploads.
    """
    folder = storage.join(warehouse, EVALUATION)
    old = set(storage.list_files(folder, DAY_S))
    young = set(storage.list_files(folder)) - old
    for name in sorted(_names(old, folder) - _names(young, folder)):
        storage.delete_prefix(storage.join(folder, name))
    models = storage.list_files(storage.join(warehouse, _MODELS), DAY_S)
    storage.delete_files([uri for uri in models if uri.endswith(".partial")])
    with suppress(InputError):
        storage.abort_uploads(warehouse, DAY_S)


def _names(files: set[str], folder: str) -> set[str]:
    return {uri.removeprefix(f"{folder}/").partition("/")[0] for uri in files}
