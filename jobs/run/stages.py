"""Stages of the night. Each declares beside its code what it reads and writes, and how its cost grows.

Tables are checked against that as the stage runs.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, Generic, ParamSpec, TypeVar

from autotag_core.tables import Table
from jobs.run.run import Run
from jobs.run.stage_spec import FITTED, GPUS, TASKS, StageSpec

__all__ = ["FITTED", "GPUS", "TASKS", "Stage", "stage"]

P = ParamSpec("P")
T = TypeVar("T")


class Stage(Generic[P, T]):
    """A function that is a stage. It is called with a run and timed, and may read and write only what it declared."""

    def __init__(self, spec: StageSpec, function: Callable[Concatenate[Run, P], T]) -> None:
        self.spec, self._function = spec, function
        functools.update_wrapper(self, function)

    def __call__(self, run: Run, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the function and give its result. AutotagError where it touches a table that it has not declared."""
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
    """A decorator that makes a function a stage.

    The function's first argument is the run. StageSpec says what each argument here means.
    """
    return functools.partial(Stage, StageSpec(name, reads, writes, runs_on, cost, unit))
