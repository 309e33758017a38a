"""The `autotag labels` commands."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from autotag_core import outages, storage
from jobs.commands.options import ConfigFile, Warehouse, checked_config
from jobs.commands.output import say

app = typer.Typer(
    help="From the catalog's raw tags to a vocabulary of labels that an editor has checked.", no_args_is_help=True
)


@app.command()
def build(
    catalog: Annotated[str, typer.Option(help="Catalog file: .jsonl, .parquet or .csv, s3a:// or a local path.")],
    warehouse: Warehouse,
    searches: Annotated[
        str | None, typer.Option(help="Searches {query, count}, JSON lines, CSV or Parquet: how popular a label is.")
    ] = None,
    entities: Annotated[
        str | None, typer.Option(help="Names of people, films and shows, JSON lines or CSV {label, aliases, kind}.")
    ] = None,
    config: ConfigFile = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One setting, e.g. labels.max_labels=2000.")
    ] = None,
) -> None:
    """Build the labels from all tags, show what differs from those before, and write them and a review file."""
    from pyspark.sql import SparkSession

    from jobs.labels.build_labels import LabelsRequest, build_labels

    request = LabelsRequest(catalog, warehouse, checked_config(config, set_), searches, entities)
    with outages.watched(lambda: storage.ask((catalog, warehouse))):
        build_labels(request, say)
    with suppress(Exception):  # all is written, so an error here matters to nobody
        running = SparkSession.getActiveSession()
        if running is not None:
            running.stop()


@app.command()
def apply(
    review: Annotated[str, typer.Argument(help="The review file with the editor's columns filled in.")],
    warehouse: Warehouse,
) -> None:
    """Take back an editor's review file. Where anything in it is inconsistent, take nothing and list why."""
    from jobs.labels.apply_review import apply_labels

    num_tags, changes = apply_labels(review, warehouse)
    say(f"{warehouse}: the editor's word on {num_tags} tags; {changes.to_text()}")


@app.command()
def evaluate(
    warehouse: Warehouse,
    truth: Annotated[str, typer.Option(help="JSON lines {tag, language, kind, meant, label}, as `sample --messy`.")],
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure each stage of the labels, and the labels themselves, against a known truth."""
    from autotag_core.labels import as_json, as_text
    from jobs.evaluation.evaluate_labels import evaluate_labels

    measures = evaluate_labels(warehouse, truth)
    say(as_json(measures) if json_ else as_text(measures))
