"""What a stage of the night reads and writes, and how its cost grows: declared beside its code, checked as it runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Concatenate, Generic, ParamSpec, TypeVar

from autotag_core.tables import Table

if TYPE_CHECKING:
    from jobs.run.run import Run

TASKS, GPUS, FITTED = "tasks", "tasks, GPUs", "tasks, driver"
"""Where a stage runs: in Spark's tasks, on GPUs where there are any, with a model that is fitted on the driver."""

P = ParamSpec("P")
T = TypeVar("T")


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


class Stage(Generic[P, T]):
    """A function that is a stage: called with a run it is timed, and may read and write what it said."""

    def __init__(self, spec: StageSpec, function: Callable[Concatenate[Run, P], T]) -> None:
        self.spec, self._function = spec, function
        functools.update_wrapper(self, function)

    def __call__(self, run: Run, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run it; AutotagError where it touches a table that it has not declared."""
        with run.timed(self.spec.name, unit=self.spec.unit), run.tables.within(self.spec):
            return self._function(run, *args, **kwargs)


def stage(
    name: str,
    reads: tuple[Table, ...] = (),
    writes: tuple[Table, ...] = (),
    runs_on: str = TASKS,
    cost: str = "GIFs",
    unit: str = "GIFs",
) -> Callable[[Callable[Concatenate[Run, P], T]], Stage[P, T]]:
    """Make the function, whose first argument is the run, a stage. StageSpec says what each argument means."""
    return functools.partial(Stage, StageSpec(name, reads, writes, runs_on, cost, unit))
