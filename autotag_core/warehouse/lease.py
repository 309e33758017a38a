"""Who writes a warehouse: one run at a time holds its lease, and says so every few seconds.

A lease is a file `_lease/NUMBER.json` that was made where there was none, which of many at once one succeeds in. The
greatest number counts. Its holder writes it again while it lives. Where it has not for LEASE_S, or was a process of
this machine and is gone, the next one makes the number above. So a store need only not write over a file when asked not
to, and no clock counts but its own.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime

from autotag_core import outages, storage
from autotag_core.errors import InputError, NotPublishedError, OutageError
from autotag_core.warehouse.holder import Holder, this_process
from autotag_core.warehouse.run_records import new_run_id

LEASE_S = 120.0
"""A lease whose file is older is a dead run's."""
HEARTBEAT_S = 20.0
_FOLDER = "_lease"


class Lease:
    """A lease that is held; `check` before what nobody else may do meanwhile."""

    def __init__(self, warehouse: str, number: int, holder: Holder) -> None:
        self.warehouse, self.number, self.holder = warehouse, number, holder
        self._writing = threading.Lock()
        self._is_settled = self._is_done = False

    def check(self) -> None:
        """NotPublishedError where another run has taken the lease over, since this one gave no sign of life."""
        number, holder, _ = _newest(self.warehouse)
        if number != self.number:
            raise NotPublishedError(
                f"{self.warehouse}: run {holder.run_id if holder else '?'} has taken it over, since this run gave no "
                f"sign of life for {LEASE_S:g} s: nothing is published"
            )

    def beat(self) -> None:
        """Give a sign of life. OutageError where the store does not answer within ten seconds."""
        with self._writing, suppress(OutageError) if self._is_settled else nullcontext():
            if not self._is_done:
                self._write(self.holder)

    def settle(self) -> None:
        """Note that the run is published: from now on an outage is no reason to end it."""
        self._is_settled = True

    def give_back(self) -> None:
        """Let the next run have it at once. Nothing is done while a sign of life gets no answer: it ends by itself."""
        if self._writing.acquire(timeout=1):
            try:
                self._is_done = True
                self._write(replace(self.holder, is_done=True))
            finally:
                self._writing.release()

    def _write(self, holder: Holder) -> None:
        storage.write_bytes(_uri(self.warehouse, self.number), json.dumps(asdict(holder)).encode(), is_urgent=True)


@contextmanager
def held(warehouse: str, run_id: str | None = None) -> Iterator[Lease]:
    """Hold the warehouse for the block, as a new run where none is named.

    NotPublishedError, at once, names the run that holds it. Where signs of life are refused for too long, it is an
    outage (autotag_core/outages.py). One that is refused now and then does no harm: `check` says whether the next came
    too late.
    """
    lease = take(warehouse, run_id or new_run_id(datetime.now(UTC)))
    try:
        with outages.watched(lease.beat, HEARTBEAT_S):
            yield lease
    finally:
        with suppress(Exception):  # it ends by itself
            lease.give_back()


def take(warehouse: str, run_id: str) -> Lease:
    """The warehouse's lease. NotPublishedError where another run holds it; of many that ask at once one gets it."""
    holder = this_process(run_id)
    while True:
        number, other, age_s = _newest(warehouse)
        if other == holder:  # the answer of the last try was lost
            return Lease(warehouse, number, holder)
        if other is not None and not other.is_done and not other.is_gone and age_s < LEASE_S:
            raise NotPublishedError(
                f"{warehouse}: run {other.run_id} writes it, {other.place}, since {other.started}; it gave a sign of "
                f"life {age_s:.0f} s ago. If it is dead, try again in {LEASE_S - age_s:.0f} s"
            )
        if storage.create_file(_uri(warehouse, number + 1), json.dumps(asdict(holder)).encode()):
            with suppress(InputError):
                storage.delete_files([_uri(warehouse, old) for old in _numbers(warehouse) if old < number])
            return Lease(warehouse, number + 1, holder)


def all_leases(warehouse: str) -> list[tuple[Holder, float]]:
    """(holder, seconds since its last sign of life) of the leases that are still there, oldest first."""
    found = []
    for number in sorted(_numbers(warehouse)):
        with suppress(InputError):  # deleted meanwhile, or no lease
            found.append(_read(warehouse, number))
    return found


def _newest(warehouse: str) -> tuple[int, Holder | None, float]:
    """(number, holder, seconds since its last sign of life) of the lease that counts; (0, None, 0) before the first."""
    number = max(_numbers(warehouse), default=0)
    if number == 0:
        return 0, None, 0.0
    try:
        return number, *_read(warehouse, number)
    except InputError:
        if max(_numbers(warehouse), default=0) == number:
            raise
        return _newest(warehouse)  # the next run has deleted it meanwhile


def _read(warehouse: str, number: int) -> tuple[Holder, float]:
    uri = _uri(warehouse, number)
    data, age_s = storage.read_with_age(uri)
    try:
        return Holder(**json.loads(data)), age_s
    except (ValueError, TypeError):
        raise InputError(f"{uri}: not a lease: delete it if no run writes the warehouse") from None


def _numbers(warehouse: str) -> list[int]:
    names = (uri.rpartition("/")[2] for uri in storage.list_files(storage.join(warehouse, _FOLDER)))
    return [int(stem) for stem in (name.removesuffix(".json") for name in names) if stem.isdigit()]


def _uri(warehouse: str, number: int) -> str:
    return storage.join(warehouse, _FOLDER, f"{number:012}.json")
