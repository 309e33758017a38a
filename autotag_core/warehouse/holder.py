"""Which process does a run, and whether it can still be alive."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autotag_core.processes import start_of


@dataclass(frozen=True)
class Holder:
    """A process that writes a warehouse, as it says itself."""

    run_id: str
    started: str
    """ISO 8601, UTC."""
    host: str
    boot: str
    """The last start of the machine; empty where the system does not tell."""
    processes: str
    """The container whose process numbers these are."""
    pid: int
    process_started: str
    """In the system's own count, so that a later process of the same number is told apart."""
    is_done: bool = False
    """Whether it has ended and said so."""

    @property
    def place(self) -> str:
        """For people: process 12 on that.host."""
        return f"process {self.pid} on {self.host}"

    @property
    def is_gone(self) -> bool:
        """Whether it can't be alive: this machine has it no more, or has restarted since.

        False too where that can't be told: on another machine, or on a system without /proc.
        """
        here = this_process(self.run_id)
        if self.host != here.host or not self.process_started:
            return False
        if self.boot != here.boot:
            return True
        return self.processes == here.processes and start_of(self.pid) != self.process_started


def this_process(run_id: str) -> Holder:
    """The process that asks, as the one that does this run."""
    boot = processes = ""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        processes = str(Path("/proc/self/ns/pid").readlink())
    started = datetime.now(UTC).isoformat(timespec="seconds")
    return Holder(run_id, started, socket.gethostname(), boot, processes, os.getpid(), start_of(os.getpid()))
