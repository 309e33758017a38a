"""`autotag trends`: what rises in searches, tags and GIFs."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer

from autotag_core import outages, storage
from autotag_core.errors import InputError
from jobs.commands.options import Warehouse, checked_uri
from jobs.commands.output import say


def trends(
    events: Annotated[
        str,
        typer.Option(
            help="Events {time, kind: search | view | share, query | gif_id}: JSON lines, CSV or Parquet.",
            callback=checked_uri,
        ),
    ],
    warehouse: Warehouse,
    as_of: Annotated[
        str | None, typer.Option(metavar="TIME", help="Look as if it were then, ISO 8601; by default the last hour.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Find queries, tags and GIFs that rise above what is usual for them, and write them to the table `trends`."""
    at = None if as_of is None else _time(as_of)
    from pyspark.sql import SparkSession

    from jobs.trends.find_trends import checked_request, find_trends

    events, warehouse = checked_request(events, warehouse)
    with outages.watched(lambda: storage.ask((events, warehouse))):
        found = find_trends(events, warehouse, at)
    say(found.to_json() if json_ else found.to_text())
    with suppress(Exception):  # everything is said, so an error here matters to nobody
        running = SparkSession.getActiveSession()
        if running is not None:
            running.stop()


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--as-of {text}: write a time such as 2026-11-30T18:00, in UTC or with its zone") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
