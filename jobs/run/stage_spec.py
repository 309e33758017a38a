"""What a stage of the night declares."""

from __future__ import annotations

from dataclasses import dataclass

from autotag_core.tables import Table

TASKS, GPUS, FITTED = "tasks", "tasks, GPUs", "tasks, driver"
"""Where a stage runs. TASKS: in Spark's tasks. GPUS: there, and on GPUs where there are any. FITTED: in tasks, one of
which fits a model that the driver gathers."""


@dataclass(frozen=True)
class StageSpec:
    """One stage, as `autotag stages` prints it."""

    name: str
    """Its key in the columns rows_in, rows_out and seconds of `runs`."""
    reads: tuple[Table, ...]
    """Tables that it reads, of this run or of the base. It may also read those that it writes."""
    writes: tuple[Table, ...]
    runs_on: str
    """TASKS, GPUS or FITTED."""
    cost: str
    """What its time grows with."""
    unit: str
    """What its progress counts."""

    def may_read(self, table: Table) -> bool:
        """Whether it has declared to read the table, or to write it."""
        return table in self.reads or table in self.writes
