"""`autotag report`, `explain` and `diff`: what a night did, why a GIF has its tags, what two runs differ in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autotag_core import outages, storage
from jobs.commands.options import RunId, Warehouse, checked_uri
from jobs.commands.output import say, write_page


def report(
    warehouse: Warehouse,
    run_id: RunId = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="Where the page goes: s3a:// or a local path. Without it: reports/ of the warehouse.",
            callback=checked_uri,
        ),
    ] = None,
) -> None:
    """Write a page about a published run: what changed, what an editor should look at, and how the night went.

    It is one file that needs no network. Each number has the SQL that gives it.
    """
    from jobs.reports.write_report import write_report

    warehouse = storage.absolute(warehouse)
    with outages.watched(lambda: storage.ask((warehouse,))):
        say(write_report(warehouse, run_id, storage.absolute(out) if out else None))


def explain(
    warehouse: Warehouse,
    gif_id: Annotated[str, typer.Argument(help="A GIF of the catalog.")],
    run_id: RunId = None,
    details: Annotated[
        bool, typer.Option("--details", help="Also unlikely tags, with votes, weights, and the neighbors.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option(help="Write a page instead: the GIF, its frames and its neighbors playing.")
    ] = None,
) -> None:
    """Say for each tag of a GIF how likely it is and why, likeliest first."""
    from autotag_core.reports.explanation import explain_gif

    found = explain_gif(warehouse, gif_id, run_id)
    if html is None:
        from autotag_core.reports.explanation_text import as_text

        say(as_text(found, details))
        return
    from autotag_core.reports.explanation_page import explanation_page

    write_page(html, explanation_page(warehouse, found))
    say(str(html))


def diff(
    warehouse: Warehouse,
    before: Annotated[str, typer.Argument(metavar="RUN_BEFORE", help="A published run; `autotag runs` lists them.")],
    after: Annotated[str, typer.Argument(metavar="RUN_AFTER", help="The run that is compared with it.")],
    gif: Annotated[str | None, typer.Option(metavar="ID", help="Only this GIF; starts no Spark.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only this tag.")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page instead.")] = None,
) -> None:
    """Say what differs between two runs and why: settings, models, catalog, weights, tags gained and lost."""
    from autotag_core.reports.diff.diff_text import as_text, diff_page
    from autotag_core.warehouse import current_release

    warehouse = storage.absolute(warehouse)
    runs = current_release(warehouse, before), current_release(warehouse, after)
    if gif is not None:
        from autotag_core.reports.diff.gif_diff import diff_gif

        found = diff_gif(warehouse, *runs, gif, tag)
    else:
        from jobs.process.session import end_session, spark_session
        from jobs.reports.diff_releases import diff_releases

        with outages.watched(lambda: storage.ask((warehouse,))):
            spark = spark_session("autotag diff")
            found = diff_releases(spark, warehouse, *runs, tag)
        end_session(spark)
    if html is not None:
        write_page(html, diff_page(found))
        say(str(html))
        return
    say(found.to_json() if json_ else as_text(found))
