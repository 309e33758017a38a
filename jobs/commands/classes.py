"""`autotag classes`: how often training draws each class."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from jobs.commands.options import RunId, Warehouse
from jobs.commands.output import say


def classes(
    warehouse: Warehouse,
    run_id: RunId = None,
    min_examples: Annotated[int, typer.Option(min=1, help="A label with fewer train examples is no class.")] = 5,
    num_draws: Annotated[int | None, typer.Option(min=1, help="Draws of an epoch; else as many as examples.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object a class.")] = False,
) -> None:
    """Show how often an epoch of training draws each class: as they are, by repeat factors, and even."""
    from autotag_core.training.histogram import as_text, class_histogram

    rows = class_histogram(warehouse, run_id, min_examples, num_draws)
    say("\n".join(json.dumps(row) for row in rows) if json_ else as_text(rows))
