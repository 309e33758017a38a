"""What a run is about to do in search and in the tables, written before it begins.

Two stores can't change at one moment. So whoever writes the warehouse next finds here what a killed run has left half
done, and which of the two is to follow the other. The file lies beside the lease: one run at a time has one.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass

from autotag_core import storage
from autotag_core.errors import InputError


@dataclass(frozen=True)
class Intent:
    """A publication or rollback that has begun: readers of the alias move, then a row of `runs` says the same."""

    run_id: str
    """The run whose row of `runs` is the publication."""
    url: str
    """Of Elasticsearch, without credentials."""
    alias: str
    index: str
    """Where the alias is to be..."""
    before: tuple[str, ...]
    """...and the indexes where it was."""
    holds: str
    """The release whose documents the index holds."""


def intent_uri(warehouse: str) -> str:
    """Where the intent lies while there is one."""
    return storage.join(warehouse, "_lease", "publishing.json")


def write_intent(warehouse: str, intent: Intent) -> None:
    """Write it, whole or not at all."""
    storage.write_bytes(intent_uri(warehouse), json.dumps(asdict(intent)).encode())


def read_intent(warehouse: str) -> Intent | None:
    """The publication that has begun and not ended; None where there is none. InputError for a file that is none."""
    uri = intent_uri(warehouse)
    if not storage.is_file(uri):
        return None
    data = storage.read_bytes(uri)
    try:
        values = json.loads(data)
        return Intent(**values | {"before": tuple(values["before"])})
    except (ValueError, TypeError, KeyError):
        raise InputError(f"{uri}: names no publication: delete it if no run writes the warehouse") from None


def drop_intent(warehouse: str, intent: Intent) -> None:
    """Delete it once both stores say the same. Another run's is left."""
    with suppress(InputError):
        if read_intent(warehouse) != intent:
            return
    storage.delete_files([intent_uri(warehouse)])
