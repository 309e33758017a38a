"""`make run`: the whole job on one machine, from a drawn catalog on a real S3 server to a real Elasticsearch.

The S3 server's files stay in .cache/sample, so the tables can be opened afterwards; the servers do not.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import typer
from elasticsearch import Elasticsearch

from autotag_core import search, warehouse
from autotag_core.config import Config, ElasticsearchConfig
from autotag_core.config_file import load_config
from autotag_core.evaluation import evaluate, read_truth
from autotag_core.sample import write_sample
from autotag_core.services import ElasticsearchServer, S3Server, cache_folder
from autotag_core.tables import CATALOG, VOTED_TAGS
from jobs.nightly import Request, run_nightly
from jobs.summary import print_summary

BUCKET = "gifs"
UPLOADED = "gifs-uploaded"  # the index that shows what search was like before the job
NUM_SEARCHES = 5
NUM_HITS = 50  # a page that a person scrolls through


def run_sample(
    gifs: int = 400, seed: int = 7, broken: int = 20, settings: list[str] | None = None, folder: Path | None = None
) -> None:
    """Draw a sample, retag it over s3a, index it, and show searches before and after."""
    start = time.monotonic()
    place = folder or cache_folder() / "sample"
    with _servers(place) as (s3, elasticsearch_url):
        os.environ.update(s3.environment())
        catalog, tables = f"s3a://{BUCKET}/catalog", f"s3a://{BUCKET}/warehouse"
        _make_bucket(s3)
        write_sample(catalog, gifs, seed, num_broken=broken)
        typer.echo(f"Drew {gifs} GIFs and {broken} broken ones to {catalog} ({time.monotonic() - start:.0f} s)")
        config = load_config(None, [f"semantic.sessions={catalog}/sessions.jsonl", *(settings or [])])
        request = Request(f"{catalog}/catalog.jsonl", tables, _for_one_node(config), elasticsearch_url)
        run = run_nightly(request)
        try:
            print_summary(run)
            _print_quality(tables, f"{catalog}/truth.jsonl")
            _print_searches(tables, elasticsearch_url, f"{catalog}/truth.jsonl", config.elasticsearch)
        finally:
            run.spark.stop()
    typer.echo(f"\nThe tables are files in {place / BUCKET / 'warehouse'}; the servers are stopped.")


@contextmanager
def _servers(folder: Path) -> Iterator[tuple[S3Server, str]]:
    """Both servers, started side by side, stopped whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    s3, elasticsearch = S3Server(folder), ElasticsearchServer()
    try:
        with ThreadPoolExecutor(2) as pool:
            started = [pool.submit(server.__enter__) for server in (s3, elasticsearch)]
            for future in started:
                future.result()
        yield s3, elasticsearch.url
    finally:
        elasticsearch.stop()
        s3.stop()


def _make_bucket(s3: S3Server) -> None:
    client = s3.client()
    if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET)


def _for_one_node(config: Config) -> Config:
    """A single Elasticsearch node can't hold a replica of its own shards."""
    return config.model_copy(update={"elasticsearch": config.elasticsearch.model_copy(update={"replicas": 0})})


def _print_quality(tables: str, truth: str) -> None:
    release = warehouse.current_release(tables)
    voted_tags = warehouse.read_table(
        tables, VOTED_TAGS.name, release, ["gif_id", "tag", "score", "confidence", "source"]
    )
    catalog = warehouse.read_table(tables, CATALOG.name, release, ["gif_id", "tags", "split"])
    typer.echo("\nVoted tags against the sample's truth (autotag evaluate):")
    typer.echo(evaluate(voted_tags, catalog, read_truth(truth)).to_text())


def _print_searches(tables: str, url: str, truth_uri: str, config: ElasticsearchConfig) -> None:
    """The same searches on the uploaders' tags and on the voted ones, for the tags that uploaders forgot most often."""
    client = search.elasticsearch_client(url, config, search.read_credentials())
    _index_uploaded(tables, client, config)
    truth = {row["gif_id"]: set(row["tags"]) for row in read_truth(truth_uri).to_pylist()}
    typer.echo(f"\nSearches, and how many of the GIFs that are right are among the first {NUM_HITS}:")
    for words in _forgotten_tags(tables, truth):
        right = {gif_id for gif_id, tags in truth.items() if words in tags}
        found = [
            len(right & {hit.gif_id for hit in search.search_gifs(client, index, words, NUM_HITS)})
            for index in (UPLOADED, "gifs")
        ]
        typer.echo(f"  {words:<16} {len(right):>3} right: found {found[0]:>3} before, {found[1]:>3} after")


def _forgotten_tags(tables: str, truth: dict[str, set[str]]) -> list[str]:
    """The true tags that most GIFs of the catalog lack, ties alphabetical."""
    rows = warehouse.read_table(tables, CATALOG.name, warehouse.current_release(tables), ["gif_id", "tags"]).to_pylist()
    lacking = Counter(tag for row in rows for tag in truth.get(row["gif_id"], set()) - set(row["tags"]))
    return sorted(lacking, key=lambda tag: (-lacking[tag], tag))[:NUM_SEARCHES]


def _index_uploaded(tables: str, client: Elasticsearch, config: ElasticsearchConfig) -> None:
    """An index of the catalog as uploaders tagged it, to compare with."""
    release = warehouse.current_release(tables)
    rows = warehouse.read_table(tables, CATALOG.name, release).to_pylist()
    documents = [
        {
            "gif_id": row["gif_id"],
            "tags": [{"tag": tag, "weight": 1.0, "confidence": 1.0} for tag in row["tags"]],
            "caption": row["caption"],
            "popularity": row["popularity"],
            "uri": row["uri"],
        }
        for row in rows
    ]
    index = search.create_index(client, UPLOADED, release.run_id, config)
    for _ in search.bulk_index(client, index, documents, config):
        pass
    search.finish_index(client, index, config)
    search.swap_alias(client, UPLOADED, index, config)


def main() -> None:
    """The command of `make run`; explains errors like `autotag` does."""
    from jobs.cli import explained

    with explained():
        typer.run(run_sample)


if __name__ == "__main__":
    main()
