"""What a stage of the night says of itself."""

from __future__ import annotations

from dataclasses import dataclass

from autotag_core.tables import Table

TASKS, GPUS, FITTED = "tasks", "tasks, GPUs", "tasks, driver"
"""Where a stage runs: in Spark's tasks, on GPUs where there are any, with a model that is fitted on the driver."""


@dataclass(frozen=True)
class StageSpec:
    """One stage, as `autotag stages` prints it."""

    name: str
    """Its key in the columns rows_in, rows_out and seconds of `runs`."""
    reads: tuple[Table, ...]
    """Tables of this run; of a table that it writes it may also read what the base has."""
    writes: tuple[Table, ...]
    runs_on: str
    """TASKS, GPUS or FITTED."""
    cost: str
    """What its time grows with."""
    unit: str
    """Of what its progress counts."""

    def may_read(self, table: Table) -> bool:
        """Whether it said so."""
        return table in self.reads or table in self.writes
