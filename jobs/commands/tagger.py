"""`autotag train`, `autotag predict` and `autotag serve`: the AutoTagging model."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autotag_core import outages, storage
from autotag_core.errors import InputError
from autotag_core.tables import PREDICTIONS
from jobs.commands.options import RunId, Warehouse, checked_uri, checked_warehouse
from jobs.commands.output import say, write_page

if TYPE_CHECKING:
    from autotag_core.tagger.predictor import Prediction

ModelUri = Annotated[
    str | None, typer.Option("--model", help="Run folder of a tagger, or its model.safetensors.", callback=checked_uri)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]


def add_tagger_commands(app: typer.Typer) -> None:
    """Give the app the commands."""
    app.command()(train)
    app.command()(predict)
    app.command()(serve)


def train(  # noqa: PLR0913, PLR0917 - one option each
    warehouse: Warehouse,
    run_id: RunId = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of the experiment; defaults for all else.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="One choice, e.g. aggregator=conv1d.")
    ] = None,
    out: Annotated[
        str | None, typer.Option(help="Folder of trainings; else models/tagger in the warehouse.", callback=checked_uri)
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the same training where it stopped.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="YAML file `name: {key: value}`: train each and print one table.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Train a tagger on a release's voted dataset, and write it with its metrics to a run folder of its own."""
    from autotag_core.tagger.experiment_file import load_experiment, load_experiments
    from jobs.tagger import compare_experiments as table
    from jobs.tagger.train_tagger import TrainRequest

    if compare is not None and (config is not None or resume):
        raise InputError("--compare: not with --config or --resume; its file holds the experiments")
    experiments = load_experiments(compare, set_) if compare else {"tagger": load_experiment(config, set_)}
    out = None if out is None else storage.absolute(out)
    request = TrainRequest(storage.absolute(warehouse), run_id, next(iter(experiments.values())), out, resume)
    width = max(12, *map(len, experiments)) + 2
    if not json_:
        say(table.heading(width))
    trained = None
    for name, trained in table.compare_experiments(request, experiments, _progress()):
        say(table.as_json(name, trained) if json_ else table.line(name, trained, width))
    if trained is not None and not json_:
        measured = trained.measured
        say(f"measured on {measured.metrics.num_gifs} {measured.split} GIFs, with 95% intervals; last: {trained.uri}")


def predict(  # noqa: PLR0913, PLR0917 - one option each
    files: Annotated[
        list[str] | None, typer.Argument(help="Files or folders: s3a://bucket/key or a local path.")
    ] = None,
    catalog: Annotated[
        str | None,
        typer.Option(
            help="Catalog file: write the table predictions of the warehouse, by Spark.", callback=checked_uri
        ),
    ] = None,
    model: ModelUri = None,
    warehouse: Annotated[
        str | None, typer.Option(help="Without --model: the tagger trained last here.", callback=checked_warehouse)
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Tags of a GIF, likeliest first.")] = 5,
    show: Annotated[Path | None, typer.Option(help="Also write a page with the frames that speak for a tag.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the backbone.")] = 2,
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="PLACE", help="With --catalog: a further bucket, prefix or folder where GIFs may lie."),
    ] = None,
    json_: AsJson = False,
) -> None:
    """Suggest tags for GIFs: how sure each is, and whether its threshold accepts it.

    A file that can't be read is one line with the reason. Exit: 0, or 1 where not one file could be read.
    """
    from jobs.tagger.predict_files import files_of, open_predictor, predict_files

    if (catalog is None) == (not files):
        raise InputError("predict: give files, or --catalog URI with --warehouse")
    if catalog is not None:
        _predict_catalog(catalog, warehouse, model, allow or [], json_)
        return
    uris = files_of(files or [])
    predictor, uri = open_predictor(model, warehouse, threads)
    num_read = 0

    def told(prediction: Prediction) -> Prediction:
        nonlocal num_read
        num_read += prediction.error is None
        say(prediction.to_json() if json_ else prediction.to_text())
        return prediction

    found = map(told, predict_files(predictor, uris, top, show is not None))
    if show is None:
        for _ in found:
            pass
    else:
        from autotag_core.tagger.contact_sheet import contact_sheet

        write_page(show, contact_sheet(found, uri))
    if num_read == 0:
        raise typer.Exit(1)


def serve(  # noqa: PLR0913, PLR0917 - one option each
    model: ModelUri = None,
    warehouse: Annotated[
        str | None,
        typer.Option(
            help="Gets the table choices; without --model, the tagger trained last here.", callback=checked_warehouse
        ),
    ] = None,
    http: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page and of REST.")] = 8080,
    grpc: Annotated[int, typer.Option(min=1, max=65535, help="Port of gRPC.")] = 8081,
    metrics: Annotated[int, typer.Option(min=1, max=65535, help="Port of Prometheus' /metrics.")] = 8082,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    allow: Annotated[
        list[str] | None,
        typer.Option(metavar="PLACE", help="Bucket, prefix or folder whose files requests may name by URI."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=50, help="Tags of a GIF, likeliest first.")] = 5,
    threads: Annotated[int, typer.Option(min=1, help="Threads of the backbone.")] = 2,
    gallery: Annotated[
        str | None,
        typer.Option(help="Also serve the model faces, by the people who are enrolled here.", callback=checked_uri),
    ] = None,
    faces_model: Annotated[
        str | None, typer.Option(help="The network that made the gallery; else dlib's.", callback=checked_uri)
    ] = None,
) -> None:
    """Serve a tagger: a page for uploaders, and Open Inference Protocol V2 over REST and gRPC.

    With AUTOTAG_SERVE_TOKEN in the environment, requests must bring it in the header x-autotag-token.
    """
    from jobs.tagger.predict_files import chosen_model
    from jobs.tagger.serve_tagger import ServeRequest, serve_tagger

    storage.check_places(allow or [])
    places = [storage.absolute(place) for place in allow or []]
    model, warehouse = chosen_model(model, warehouse), None if warehouse is None else storage.absolute(warehouse)
    gallery, faces_model = (None if uri is None else storage.absolute(uri) for uri in (gallery, faces_model))
    serve_tagger(ServeRequest(model, warehouse, places, top, threads, host, http, grpc, metrics, gallery, faces_model))


def _predict_catalog(catalog: str, warehouse: str | None, model: str | None, allow: list[str], as_json: bool) -> None:
    from autotag_core.tagger.tagger_model import load_tagger
    from jobs.process.session import end_session, spark_session
    from jobs.tagger.predict_catalog import predict_catalog
    from jobs.tagger.predict_files import chosen_model

    if warehouse is None:
        raise InputError("predict --catalog: name the --warehouse that gets the table predictions")
    catalog, warehouse = storage.absolute(catalog), storage.absolute(warehouse)
    storage.check_places(allow)
    storage.check_exists(catalog)
    tagger = load_tagger(chosen_model(model, warehouse))
    spark = spark_session("autotag predict")
    with outages.watched(lambda: storage.ask((catalog, warehouse))):
        found = predict_catalog(spark, catalog, warehouse, tagger, [storage.absolute(place) for place in allow])
    end_session(spark)
    if as_json:
        say(json.dumps(asdict(found)))
    else:
        failed = f"; {found.num_failed} rows failed: {found.failures}" if found.num_failed else ""
        say(
            f"{found.num_predicted} GIFs have tags by {found.model}, {found.num_kept} of them as before: "
            f"{warehouse}/{PREDICTIONS.name}, version {found.version}{failed}"
        )
    if not found.num_predicted:
        raise typer.Exit(1)


def _progress() -> Callable[[int, int], None]:
    """Says on standard error, at each tenth, how many GIFs' frames are computed."""

    def show(done: int, total: int) -> None:
        if done == total or done % max(1, total // 10) == 0:
            print(f"frames of {done} of {total} GIFs that no training has seen yet", file=sys.stderr, flush=True)

    return show
