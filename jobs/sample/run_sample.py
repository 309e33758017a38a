"""`make run`: the whole job on one machine, from a drawn catalog on a real S3 server to a real Elasticsearch.

Both servers are stopped at the end. The S3 server's files stay in .cache/sample until the next run, so the tables can
be opened.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from autotag_core import storage, warehouse
from autotag_core.config import Config
from autotag_core.config.file import load_config
from autotag_core.errors import InputError
from autotag_core.evaluation import evaluate, read_truth
from autotag_core.local_machine import ElasticsearchServer, S3Server, cache_folder
from autotag_core.sample import write_sample
from autotag_core.tables import CATALOG, VOTED_TAGS
from autotag_core.warehouse.retention import report_uri
from jobs.nightly import Request, run_nightly
from jobs.process.drawing_progress import drawing_progress
from jobs.process.session import end_session
from jobs.release.print_summary import print_summary
from jobs.sample.own_environment import own_environment
from jobs.sample.show_people import enroll_sample, show_people
from jobs.sample.show_searches import measure_searches, show_searches
from jobs.sample.show_tagger import show_tagger

BUCKET = "gifs"
_MARK = ".autotag-sample"


def run_sample(
    gifs: int = 400,
    seed: int = 7,
    broken: int = 20,
    settings: list[str] | None = None,
    folder: Path | None = None,
    faces: Path | None = None,
) -> None:
    """Draw a sample, retag it over s3a, index it, and show searches before and after.

    `faces`, a folder of pictures a person, adds GIFs of people, which the night names.
    """
    start = time.monotonic()
    place = (folder or cache_folder() / "sample").absolute()
    catalog, tables = f"s3a://{BUCKET}/catalog", f"s3a://{BUCKET}/warehouse"
    gallery = f"s3a://{BUCKET}/gallery"
    given = [f"semantic.sessions={catalog}/sessions.jsonl", f"catalog.test_list={catalog}/test.txt"]
    given += ["faces.enabled=true", f"faces.gallery={gallery}"] if faces else []
    config = load_config(None, [*given, *(settings or [])])
    with _emptied(place, is_ours=folder is None), own_environment(), _servers(place) as (s3, elasticsearch_url):
        os.environ.update(s3.environment())
        s3.client().create_bucket(Bucket=BUCKET)
        with drawing_progress() as show:
            write_sample(catalog, gifs, seed, num_broken=broken, on_progress=show)
        typer.echo(f"Drew {gifs} GIFs and {broken} broken ones to {catalog} ({time.monotonic() - start:.0f} s)")
        people = enroll_sample(catalog, faces, gallery, seed) if faces else None
        run = run_nightly(Request(f"{catalog}/catalog.jsonl", tables, _for_one_node(config), elasticsearch_url))
        try:
            # the summary names the server's files, which are still there when the servers are stopped
            print_summary(run, warehouse=_shown(place / BUCKET / "warehouse"))
            _print_quality(tables, f"{catalog}/truth.jsonl")
            show_searches(tables, elasticsearch_url, f"{catalog}/truth.jsonl", config.elasticsearch)
            show_tagger(tables, f"{catalog}/truth.jsonl")
            if people is not None:
                show_people(tables, people)
            measured = measure_searches(elasticsearch_url, f"{catalog}/truth.jsonl", seed)
        finally:
            end_session(run.spark)
    (place / BUCKET / "search_eval.json").write_text(measured.to_json(), encoding="utf-8")
    _print_next(place)
    typer.echo(f"\n{measured.to_line()}")


def _print_next(place: Path) -> None:
    local = _shown(place / BUCKET)
    typer.echo(
        f"\nThe servers are stopped; s3a://{BUCKET}/ is now the folder {local}, until the next run. What to try:"
    )
    release = warehouse.current_release(f"{local}/warehouse")
    rows = warehouse.read_table(f"{local}/warehouse", VOTED_TAGS.name, release, ["gif_id", "source"]).to_pylist()
    added = Counter(row["gif_id"] for row in rows if row["source"] == "voted" and row["gif_id"].startswith("gif-"))
    gif_id = min(added, key=lambda gif_id: (-added[gif_id], gif_id), default="GIF_ID")
    typer.echo(f"  .venv/bin/autotag explain --warehouse {local}/warehouse {gif_id}")
    typer.echo(f"  .venv/bin/autotag evaluate --warehouse {local}/warehouse --truth {local}/catalog/truth.jsonl")
    typer.echo(f"  .venv/bin/autotag predict {local}/catalog/gifs --warehouse {local}/warehouse --show suggested.html")
    typer.echo(f"  .venv/bin/autotag serve --warehouse {local}/warehouse    # a page at http://127.0.0.1:8080/")
    typer.echo("  notebooks/: explore_tags, then coverage, experts, cost, search")
    report = report_uri(f"{local}/warehouse", release.run_id)
    if storage.is_file(report):
        typer.echo(f"\nWhat this night did, as a page: {report}")


def _shown(path: Path) -> str:
    """The path as people type it in the current folder."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


@contextmanager
def _emptied(place: Path, is_ours: bool) -> Iterator[None]:
    """Hold the folder for this run, without the files that an earlier run left: no run depends on the ones before it.

    InputError where another run holds it, or where it holds anything that no such run has made.
    """
    place.mkdir(parents=True, exist_ok=True)
    if not is_ours and any(place.iterdir()) and not (place / _MARK).exists():
        raise InputError(f"{place}: it holds other files; name an empty folder, what is in it will be deleted")
    with (place / _MARK).open("w") as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{place}: another `make run` is using it: wait for its end, or name --folder") from None
        shutil.rmtree(place / BUCKET, ignore_errors=True)
        yield


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[S3Server, str]]:
    """The S3 server and Elasticsearch's URL.

    Both servers start side by side. They are stopped whatever happens, also while they start.
    """
    s3, elasticsearch = S3Server(folder), ElasticsearchServer()
    pool = ThreadPoolExecutor(2)
    started: list[Future[Any]] = []
    try:
        started += [pool.submit(server.__enter__) for server in (s3, elasticsearch)]
        for future in started:
            future.result()
        yield s3, elasticsearch.url
    finally:
        # A server that is not ready gives up when its process is gone. It may not have started one yet: stop it again.
        while not all(future.done() for future in started):
            for server in (elasticsearch, s3):
                with suppress(Exception):
                    server.stop()
            time.sleep(0.1)
        elasticsearch.stop()
        s3.stop()
        pool.shutdown()


def _for_one_node(config: Config) -> Config:
    """The config without replicas: a single Elasticsearch node can't hold a replica of its own shards."""
    return config.model_copy(update={"elasticsearch": config.elasticsearch.model_copy(update={"replicas": 0})})


def _print_quality(tables: str, truth: str) -> None:
    release = warehouse.current_release(tables)
    voted_tags = warehouse.read_table(
        tables, VOTED_TAGS.name, release, ["gif_id", "tag", "score", "confidence", "source"]
    )
    catalog = warehouse.read_table(tables, CATALOG.name, release, ["gif_id", "tags", "split"])
    typer.echo("\nVoted tags against the sample's truth (autotag evaluate):")
    typer.echo(evaluate(voted_tags, catalog, read_truth(truth)).to_text())


def command(
    gifs: Annotated[int, typer.Option(min=1, help="How many GIFs to draw.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed draws the same GIFs.")] = 7,
    broken: Annotated[int, typer.Option(min=0, help="How many broken rows and files of different kinds to add.")] = 20,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting of the job, e.g. neighbors.k=10; repeatable."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where the files stay, emptied first.", show_default=".cache/sample")
    ] = None,
    faces: Annotated[
        Path | None,
        typer.Option(help="A folder of pictures a person: also draw GIFs of them and name who is in each."),
    ] = None,
) -> None:
    """Draw a sample catalog, retag it from a real S3 server to a real Elasticsearch, and show searches."""
    run_sample(gifs, seed, broken, set_, folder, faces)


def main() -> None:
    """The command of `make run`; explains errors like `autotag` does."""
    from jobs.process.exit_codes import explained

    with explained():
        typer.run(command)


if __name__ == "__main__":
    main()
