"""`autotag search-eval`: whether search got better."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from autotag_core import storage
from autotag_core.errors import InputError
from jobs.commands.options import RunId, checked_uri, checked_warehouse
from jobs.commands.output import say, write_page

app = typer.Typer(help="Ask the same queries of two search indexes: which finds more of what is right?")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Before = Annotated[
    str,
    typer.Option(
        metavar="INDEX|raw",
        help="An index or alias. One is made for raw, of uploaders' tags, and for edited, of these and editors' tags.",
    ),
]
After = Annotated[str, typer.Option(metavar="INDEX", help="The index or alias that should be better.")]
Queries = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="CSV or JSON lines of query and count, or search sessions. Without it every tag of --truth once.",
        callback=checked_uri,
    ),
]
Truth = Annotated[
    str | None, typer.Option(metavar="FILE", help="What is right: JSON lines {gif_id, tags}.", callback=checked_uri)
]
Clicks = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="What people clicked: CSV or JSON lines of query, gif_id, clicks and rank.",
        callback=checked_uri,
    ),
]
OfCatalog = Annotated[
    str | None,
    typer.Option(
        help="For raw and edited: whose catalog has the tags that GIFs came with.", callback=checked_warehouse
    ),
]
Most = Annotated[int, typer.Option(min=1, help="Ask at most so many queries, the most frequent ones.")]
Page = Annotated[
    Path | None,
    typer.Option(metavar="FILE.html", help="Write a page on which a person compares both; needs --warehouse."),
]
Pairs = Annotated[int, typer.Option(min=1, help="Queries on that page.")]


@app.callback(invoke_without_command=True)
def search_eval(  # noqa: PLR0913, PLR0917 - one option each
    context: typer.Context,
    elasticsearch: Annotated[str | None, typer.Option(help="URL of Elasticsearch.")] = None,
    before: Before = "raw",
    after: After = "gifs",
    queries: Queries = None,
    truth: Truth = None,
    clicks: Clicks = None,
    warehouse: OfCatalog = None,
    run_id: RunId = None,
    most: Most = 1000,
    page: Page = None,
    pairs: Pairs = 30,
    json_: AsJson = False,
) -> None:
    """Measure nDCG@10, recall@50 and searches without a result on two indexes, with intervals, and say which lose."""
    if context.invoked_subcommand is not None:
        return
    if elasticsearch is None:
        raise InputError("search-eval: give --elasticsearch URL")
    if page and not warehouse:
        raise InputError("search-eval: --page needs --warehouse, whose last night says where GIFs may be read")
    from autotag_core.evaluation.search_quality.asked_queries import read_asked
    from jobs.evaluation.evaluate_search import ComparedIndexes, compare_blindly, evaluate_search

    queries, truth, clicks = (None if uri is None else storage.absolute(uri) for uri in (queries, truth, clicks))
    asked = read_asked(queries, truth, clicks, most)
    indexes = ComparedIndexes(elasticsearch, before, after, storage.absolute(warehouse) if warehouse else None, run_id)
    found = evaluate_search(indexes, asked)
    say(found.report.to_json() if json_ else found.report.to_text())
    if page is not None:
        num_pairs, parts = compare_blindly(indexes, found, asked.counts, pairs)
        write_page(page, parts)
        typer.echo(f"{page}: {num_pairs} pairs; autotag search-eval count FILE.csv counts what it saves", err=True)


@app.command()
def count(
    files: Annotated[list[str], typer.Argument(help="CSV files that the page has saved, one a person.")],
    json_: AsJson = False,
) -> None:
    """Count what people chose on the page: the share that prefers the index after, its interval, and a sign test."""
    from autotag_core.evaluation.search_quality.head_to_head import count_choices

    for uri in files:
        storage.check_uri(uri)
    found = count_choices([storage.absolute(uri) for uri in files])
    say(found.to_json() if json_ else found.to_text())
