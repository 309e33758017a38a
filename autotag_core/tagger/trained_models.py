"""The taggers that were trained in a warehouse: a run folder of each, and its row in `tagger_models`."""

from __future__ import annotations

import pyarrow as pa

from autotag_core import storage
from autotag_core.errors import InputError
from autotag_core.tables import TAGGER_MODELS
from autotag_core.warehouse.own_tables import append_rows, read_newest

FOLDER = ("models", "tagger")
"""Below the warehouse; each training has a folder of its own there."""
MODEL = "model.safetensors"


def add_model(warehouse: str, row: dict[str, object]) -> None:
    """Add a row to the table `tagger_models`."""
    append_rows(warehouse, TAGGER_MODELS, pa.Table.from_pylist([row], schema=TAGGER_MODELS.plain_schema))


def newest_model(warehouse: str) -> str:
    """URI of the run folder that was trained last. InputError where there is none.

    A folder in the warehouse is found there, also where the warehouse was moved or copied since.
    """
    found = read_newest(warehouse, TAGGER_MODELS, ["model", "uri", "trained"])
    if found is None or found[0].num_rows == 0:
        raise InputError(f"{warehouse}: no tagger was trained here: run `autotag train --warehouse {warehouse}` first")
    last = found[0].sort_by([("trained", "descending")]).slice(0, 1).to_pylist()[0]
    here = storage.join(warehouse, *FOLDER, last["model"])
    return here if storage.is_file(storage.join(here, MODEL)) else str(last["uri"])
