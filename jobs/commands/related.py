"""`autotag related` and `autotag related-evaluate`."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from autotag_core import storage
from autotag_core.errors import InputError
from jobs.commands.options import RunId, Warehouse
from jobs.commands.output import say

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def add_related_commands(app: typer.Typer) -> None:
    """Give the app both commands."""
    app.command()(related)
    app.command()(related_evaluate)


def related(
    name: Annotated[str, typer.Argument(help="A tag, or with --gif a gif_id, or with --search a search.")],
    warehouse: Warehouse,
    gif: Annotated[bool, typer.Option("--gif", help="The name is a gif_id.")] = False,
    search: Annotated[bool, typer.Option("--search", help="The name is what somebody searches for.")] = False,
    json_: AsJson = False,
    run_id: RunId = None,
) -> None:
    """Show what is nearest to a tag, a GIF or a search, by what people do with them."""
    from autotag_core.related import related_gifs, related_searches, related_tags

    if gif and search:
        raise InputError("--gif and --search: one at a time")
    look_up = related_gifs if gif else related_searches if search else related_tags
    found = look_up(warehouse, name, run_id)
    say(found.to_json() if json_ else found.to_text())


def related_evaluate(
    warehouse: Warehouse,
    sessions: Annotated[str, typer.Option(help="JSON lines {session_id, gif_ids}.")],
    held_out: Annotated[float, typer.Option(help="Share of the sessions that nothing is learned from.")] = 0.2,
    k: Annotated[int, typer.Option(min=1, max=50, help="GIFs that are recommended.")] = 10,
    json_: AsJson = False,
    run_id: RunId = None,
) -> None:
    """Measure related GIFs on held-out sessions: how often they hold the next GIF, beside simpler ways to recommend.

    The vectors are learned anew, from the catalog of the release and the sessions that are not held out.
    """
    from autotag_core.warehouse import current_release
    from jobs.evaluation.evaluate_related import evaluate_related
    from jobs.process.session import spark_session

    if not 0 < held_out < 1:
        raise InputError(f"--held-out {held_out}: a share between 0 and 1")
    warehouse, sessions = storage.absolute(warehouse), storage.absolute(sessions)
    storage.check_exists(sessions)
    release = current_release(warehouse, run_id)
    spark = spark_session("autotag related-evaluate")
    found = evaluate_related(spark, warehouse, release, sessions, held_out, k)
    say(found.to_json() if json_ else found.to_text())
    with suppress(Exception):  # everything is said, so an error here matters to nobody
        spark.stop()
