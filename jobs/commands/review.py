"""`autotag review`: the editor's queue, out and back."""

from __future__ import annotations

from typing import Annotated

import typer

from autotag_core import outages, storage
from jobs.commands.options import RunId, Warehouse, checked_uri
from jobs.commands.output import say

app = typer.Typer(help="Tags that an editor should look at first, and what they decide.", no_args_is_help=True)


@app.command()
def export(
    warehouse: Warehouse,
    out: Annotated[
        str,
        typer.Option(metavar="FILE.html|.csv", help="A page that works by keys, or a sheet.", callback=checked_uri),
    ],
    limit: Annotated[int, typer.Option(min=1, max=2000, help="So many tags: an hour is some two hundred.")] = 200,
    run_id: RunId = None,
) -> None:
    """Write the tags whose decision teaches most: unsure ones of much viewed GIFs, unlike those decided before."""
    from jobs.review.export_queue import export_queue

    warehouse, out = storage.absolute(warehouse), storage.absolute(out)
    with outages.watched(lambda: storage.ask((warehouse,))):
        queue = export_queue(warehouse, out, run_id, limit)
    say(
        f"{out}: {len(queue.tags)} of {queue.num_undecided:,} undecided tags; "
        f"autotag review apply FILE.csv --warehouse {warehouse} takes the decisions back"
    )


@app.command()
def apply(
    file: Annotated[str, typer.Argument(help="The CSV that the page saved, or the sheet with its columns filled in.")],
    warehouse: Warehouse,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="The editor, where a row names nobody.")] = None,
) -> None:
    """Keep an editor's decisions: every later night follows them. Rows that are wrong are listed and left out."""
    from jobs.review.apply_decisions import apply_decisions

    storage.check_uri(file)
    say(apply_decisions(file, warehouse, by).to_text())
