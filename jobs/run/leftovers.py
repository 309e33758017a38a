"""Notes in `_staging` of runs that did not end. They say what lies beside them, for the next run to take up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from autotag_core import storage
from autotag_core.errors import InputError
from jobs.run.run import Run


def left_notes(run: Run, name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """(folder, note, files of all folders) for each other run that has left a note of this name, newest first.

    A note that can't be read is passed over. Where nothing can be listed there are none, and a warning.
    """
    staged = storage.join(run.warehouse, "_staging")
    try:
        files = storage.list_files(staged)
    except InputError as error:
        run.log.warning("what earlier runs left can't be listed", reason=str(error))
        return
    for uri in sorted((uri for uri in files if uri.endswith(f"/{name}")), reverse=True):
        folder = uri.removesuffix(f"/{name}")
        if folder == run.staging.uri:
            continue
        try:
            note = json.loads(storage.read_bytes(uri))
        except (InputError, ValueError):
            continue
        yield folder, note, files
