"""`autotag stages`: the night as a list of stages, with what the last one took."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.commands.options import RunId, checked_warehouse
from jobs.commands.output import say


def stages(
    warehouse: Annotated[
        str | None,
        typer.Option(help="Warehouse: adds what each stage took on the last night there.", callback=checked_warehouse),
    ] = None,
    run_id: RunId = None,
) -> None:
    """Print the stages of a night: what each reads and writes, where it runs, and what its cost grows with."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from autotag_core.warehouse import list_runs
    from jobs.nightly import STAGES

    columns = ["stage", "reads", "writes", "runs on", "cost grows with"]
    runs = [run for run in list_runs(warehouse) if run_id in (None, run.run_id) and run.seconds] if warehouse else []
    last = runs[-1] if runs else None
    table = Table(box=None, pad_edge=False)
    for name in columns + (["rows in", "rows out", "seconds"] if last else []):
        table.add_column(name, justify="right" if name in ("rows in", "rows out", "seconds") else "left")
    for spec in (stage.spec for stage in STAGES):
        reads, writes = (", ".join(table.name for table in tables) for tables in (spec.reads, spec.writes))
        row = [spec.name, reads, writes, spec.runs_on, spec.cost]
        if last:
            counts = [str(rows.get(spec.name, "")) for rows in (last.rows_in, last.rows_out)]
            row += [*counts, f"{last.seconds[spec.name]:.1f}" if spec.name in last.seconds else ""]
        table.add_row(*(Text(cell) for cell in row))
    console = Console(width=None if Console().is_terminal else 200)
    console.print(table)
    if warehouse:
        say(f"seconds and rows: run {last.run_id}, {last.status}" if last else f"no run in {warehouse} yet")
