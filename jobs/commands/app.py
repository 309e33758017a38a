"""The `autotag` command."""

from __future__ import annotations

import json
import os
from datetime import UTC
from typing import Annotated

import typer

from autotag_core import outages, storage
from autotag_core.config.file import settings_as_yaml
from autotag_core.errors import InputError
from autotag_core.splits import SPLITS, TRAIN
from jobs.commands import faces_reports
from jobs.commands import labels as labels_cli
from jobs.commands import review as review_cli
from jobs.commands import search_eval as search_eval_cli
from jobs.commands.classes import classes
from jobs.commands.doctor import doctor
from jobs.commands.gates import gates
from jobs.commands.options import ConfigFile, RunId, Settings, Warehouse, checked_config
from jobs.commands.output import say
from jobs.commands.related import add_related_commands
from jobs.commands.reports import diff, explain, report
from jobs.commands.sample import sample
from jobs.commands.search import add_search_commands
from jobs.commands.stages import stages
from jobs.commands.tagger import add_tagger_commands
from jobs.commands.trends import trends
from jobs.process.exit_codes import explained
from jobs.process.local_environment import leave_out_other_sparks

app = typer.Typer(
    help="Retag a GIF catalog by expert voting.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
add_related_commands(app)
add_tagger_commands(app)
add_search_commands(app)
app.add_typer(labels_cli.app, name="labels")
app.add_typer(review_cli.app, name="review")
app.add_typer(faces_reports.app, name="faces")
app.add_typer(search_eval_cli.app, name="search-eval")
app.command()(sample)
app.command()(stages)
app.command()(gates)
app.command()(report)
app.command()(explain)
app.command()(diff)
app.command()(doctor)
app.command()(classes)
app.command()(trends)


@app.command()
def nightly(  # noqa: PLR0913, PLR0917 - one option each
    catalog: Annotated[str, typer.Option(help="Catalog file: .jsonl, .parquet or .csv, s3a:// or a local path.")],
    warehouse: Warehouse,
    elasticsearch: Annotated[
        str | None, typer.Option(help="URL of Elasticsearch; without it nothing is indexed.")
    ] = None,
    index: Annotated[str, typer.Option(help="Search alias that is moved to the new index.")] = "gifs",
    labels: Annotated[
        str | None,
        typer.Option(help="What votes: raw (tags as written) or engineered (labels); same as --set catalog.labels=."),
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="GATE", help="A gate that this night need not pass; `autotag gates` lists them."),
    ] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE|URL", help="Write metrics at the end: a .prom file, or http://gateway:9091."),
    ] = None,
    config: ConfigFile = None,
    set_: Settings = None,
) -> None:
    """Retag what changed in the catalog and publish the tables, unless nothing did; --set reuse=nothing retags all.

    Exit: 0 published or unchanged, 2 wrong input, 3 not published, 1 other.
    """
    from jobs.nightly import Request, run_nightly
    from jobs.process.session import end_session
    from jobs.release.print_summary import print_summary

    set_ = [*(set_ or []), *([f"catalog.labels={labels}"] if labels else [])]
    accepted, settings = frozenset(accept or []), checked_config(config, set_)
    run = run_nightly(Request(catalog, warehouse, settings, elasticsearch, index, accepted, tuple(metrics or ())))
    print_summary(run)
    end_session(run.spark)


@app.command()
def evaluate(
    warehouse: Warehouse,
    truth: Annotated[str, typer.Option(help="JSON lines {gif_id, tags}.")],
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    run_id: RunId = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Vote anew without each expert and with each alone.")
    ] = False,
    compare: Annotated[bool, typer.Option("--compare", help="Vote anew by every rule, side by side.")] = False,
    split: Annotated[
        str, typer.Option(help="Whose GIFs: train, as the tables have them; test or validation: judged anew.")
    ] = TRAIN,
) -> None:
    """Measure the voted tags, or with --split test those that held-out GIFs would get, against a known truth."""
    import pyarrow.compute as pc

    from autotag_core.evaluation import evaluate as evaluate_tags
    from autotag_core.evaluation import read_truth, reliability
    from autotag_core.labels import truth_in_labels
    from autotag_core.tables import LABELS
    from autotag_core.warehouse import current_release, read_table

    if ablate and compare:
        raise InputError("--ablate and --compare: one at a time")
    if split not in SPLITS or (split != TRAIN and (ablate or compare)):
        raise InputError(f"--split {split}: train, or without --ablate and --compare also test or validation")
    storage.check_uri(truth)
    warehouse = storage.absolute(warehouse)
    release, known = current_release(warehouse, run_id), read_truth(truth)
    if LABELS.name in release.table_versions:
        known = truth_in_labels(known, read_table(warehouse, LABELS.name, release))
    if ablate or compare:
        from jobs.evaluation import compare_votes

        with outages.watched(lambda: storage.ask((warehouse,))):
            if ablate:
                found = compare_votes.ablate_experts(warehouse, release, known)
                say(compare_votes.ablations_as_json(found) if json_ else compare_votes.ablations_as_text(found))
            else:
                comparison = compare_votes.compare_rules(warehouse, release, known)
                say(comparison.to_json() if json_ else comparison.to_text())
        return
    columns = ["gif_id", "tag", "score", "confidence", "source", "probability", "accepted"]
    is_known = pc.field("gif_id").isin(known["gif_id"].combine_chunks())  # a catalog may be larger than this machine
    if split == TRAIN:
        voted_tags = read_table(warehouse, "voted_tags", release, columns, is_known)
    else:
        from jobs.evaluation.compare_votes import judge_split

        voted_tags = judge_split(warehouse, release, known, split)
    catalog = read_table(warehouse, "catalog", release, ["gif_id", "tags", "split"], is_known)
    result = evaluate_tags(voted_tags, catalog, known, split)
    probabilities = reliability(voted_tags, catalog, known, split)
    if json_:
        say(json.dumps(json.loads(result.to_json()) | {"probabilities": json.loads(probabilities.to_json())}))
    else:
        say(f"{result.to_text()}\n\n{probabilities.to_text()}")


@app.command()
def settings() -> None:
    """Print every setting with its default and its reason, as a file for --config."""
    say(settings_as_yaml())


@app.command()
def experts(
    config: ConfigFile = None,
    set_: Settings = None,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object an expert.")] = False,
) -> None:
    """List the experts: which vote, with which weights under which licence, and what is missing here."""
    import json
    from dataclasses import asdict

    from autotag_core.experts import expert_statuses

    for expert in expert_statuses(checked_config(config, set_)):
        if json_:
            say(json.dumps(asdict(expert)))
            continue
        version = expert.model_version or ("no model" if expert.missing else "fitted on the catalog")
        state = f"missing: {expert.missing}" if expert.missing else "present"
        mark = "*" if expert.chosen else " "
        say(f"{mark} {expert.name:<9} {version:<48} {expert.dimension:>5}-d  licence: {expert.licence}  {state}")
    if not json_:
        say("* votes")


@app.command()
def runs(
    warehouse: Warehouse,
    json_: Annotated[bool, typer.Option("--json", help="Print one JSON object a run.")] = False,
) -> None:
    """List the runs, oldest first, and mark the current release; last those that run or died without a record."""
    from autotag_core.warehouse import as_json
    from autotag_core.warehouse.unended_runs import all_runs

    found = all_runs(warehouse)
    if json_:
        for run in found:
            say(as_json(run))
        return
    current = next((run.sequence for run in reversed(found) if run.is_release), None)  # a run may have two rows
    for run in found:
        minutes = (run.finished - run.started).total_seconds() / 60
        mark = "*" if run.sequence == current else " "
        when = run.finished.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        note = run.message or f"{run.rows_out.get('documents', 0)} GIFs, {sum(run.failures.values())} failures"
        say(f"{mark} {run.run_id}  {when}  {run.status:<13} {minutes:6.1f} min  {note.splitlines()[0]}")
    say("* what readers see" if current else "no run has been published yet")


@app.command()
def rollback(
    warehouse: Warehouse,
    run_id: Annotated[str, typer.Argument(help="The run whose tables readers shall see; `autotag runs` lists them.")],
    elasticsearch: Annotated[str | None, typer.Option(help="Also move the search alias back.")] = None,
    index: Annotated[str, typer.Option(help="The search alias.")] = "gifs",
) -> None:
    """Make the tables of an earlier run current again; nothing is deleted, so it can be undone the same way."""
    from jobs.release.rollback_release import rollback_release

    record = rollback_release(warehouse, run_id, elasticsearch, index)
    say(f"{warehouse}: readers now see run {record.release_of} again (recorded as {record.run_id})")
    if record.elasticsearch_index and elasticsearch is None:
        say(
            f"search was left where it is: give --elasticsearch URL and --index ALIAS to move it to "
            f"{record.elasticsearch_index}"
        )


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    with explained():
        if "PYSPARK_GATEWAY_PORT" not in os.environ:  # spark-submit has started this process
            leave_out_other_sparks(os.environ)
        app(arguments, prog_name="autotag")


if __name__ == "__main__":
    main()
