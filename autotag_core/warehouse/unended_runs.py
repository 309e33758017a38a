"""Runs that have no row in `runs`: under way, or killed. Their leases say who they are."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

from autotag_core.errors import InputError
from autotag_core.warehouse.holder import Holder
from autotag_core.warehouse.intent import Intent, read_intent
from autotag_core.warehouse.lease import LEASE_S, all_leases
from autotag_core.warehouse.run_records import RunRecord, list_runs

RUNNING, DIED = "running", "died"


def all_runs(warehouse: str) -> list[RunRecord]:
    """Every run of `runs`, oldest first, and after them those that are under way or were killed.

    The latter have the status RUNNING or DIED, and the sequence 0. `finished` is now for one that runs, and the start
    for one that died, since nobody knows when. A run that was killed is listed until two others have started.
    InputError where there is neither.
    """
    try:
        recorded = list_runs(warehouse)
    except InputError as error:
        with suppress(InputError):
            if unended := _unended(warehouse, set()):
                return unended
        raise error from None
    with suppress(InputError):
        return recorded + _unended(warehouse, {run.run_id for run in recorded})
    return recorded


def _unended(warehouse: str, ended: set[str]) -> list[RunRecord]:
    found = [(holder, age_s) for holder, age_s in all_leases(warehouse) if not holder.is_done]
    intent = read_intent(warehouse)
    return [_as_record(holder, age_s, intent) for holder, age_s in found if holder.run_id not in ended]


def _as_record(holder: Holder, age_s: float, intent: Intent | None) -> RunRecord:
    started = datetime.fromisoformat(holder.started)
    sign = f"{holder.place}, last sign of life {age_s:.0f} s ago"
    if holder.is_gone or age_s >= LEASE_S:
        said = f"was killed, or its machine stopped: {sign}"
        if intent is not None and intent.run_id == holder.run_id:
            said += (
                f"; it was publishing: the search alias {intent.alias} may show {intent.index}, which the tables do "
                "not, until the next night, rollback or edit of labels begins"
            )
        return RunRecord(holder.run_id, started, started, DIED, said)
    return RunRecord(holder.run_id, started, datetime.now(UTC), RUNNING, sign)
