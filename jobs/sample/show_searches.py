"""The same searches on the tags that GIFs came with and on the voted ones, where the truth of the catalog is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import typer
from elasticsearch import Elasticsearch

from autotag_core import search, warehouse
from autotag_core.config import ElasticsearchConfig
from autotag_core.evaluation import read_truth
from autotag_core.evaluation.search_quality.asked_queries import AskedQueries
from autotag_core.evaluation.search_quality.raw_documents import raw_documents
from autotag_core.evaluation.search_quality.relevance import truth_relevance
from autotag_core.evaluation.search_quality.search_report import SearchReport
from autotag_core.sample.searchers import draw_queries
from autotag_core.search import Owner, SearchHit
from autotag_core.tables import CATALOG, VOTED_TAGS
from jobs.evaluation.evaluate_search import ComparedIndexes, evaluate_search

RAW = "gifs-raw"  # the index that shows what search was like before the job
NUM_SEARCHES = 5
NUM_HITS = 50  # a page that a person scrolls through
NUM_SHOWN = 3
NUM_ASKED = 100

Tags = dict[str, list[str]]


@dataclass(frozen=True)
class Searched:
    """One search: its words, the GIFs that truly have them as a tag, and what was found on either index."""

    words: str
    right: set[str]
    before: list[SearchHit]
    after: list[SearchHit]


def show_searches(tables: str, url: str, truth_uri: str, config: ElasticsearchConfig, alias: str = "gifs") -> None:
    """Print searches for the tags that uploaders forgot most often, and the best hits of the first, before and after.

    `alias` holds the current release of the warehouse `tables`. An index of the tags that GIFs came with is made
    beside it.
    """
    client = search.elasticsearch_client(url, config, search.read_credentials())
    release = warehouse.current_release(tables)
    catalog = warehouse.read_table(tables, CATALOG.name, release).to_pylist()
    _index_raw(tables, release, client, config)
    uploaded = {row["gif_id"]: row["tags"] for row in catalog}
    truth = {row["gif_id"]: set(row["tags"]) for row in read_truth(truth_uri).to_pylist()}
    searches = [
        Searched(
            words,
            {gif_id for gif_id, tags in truth.items() if words in tags},
            *(search.search_gifs(client, index, words, NUM_HITS) for index in (RAW, alias)),
        )
        for words in _forgotten_tags(uploaded, truth)
    ]
    client.close()
    typer.echo(f"\nSearches, and how many of the GIFs that are right are among the first {NUM_HITS}:")
    for found in searches:
        before, after = (len(found.right & {hit.gif_id for hit in hits}) for hits in (found.before, found.after))
        typer.echo(f"  {found.words:<16} {len(found.right):>3} right: found {before:>3} before, {after:>3} after")
    for found in searches[:1]:
        _print_best(uploaded, _voted_tags(tables, release), found)


def _print_best(uploaded: Tags, voted: Tags, found: Searched) -> None:
    """Print the best hits on either index with all their tags. A right GIF is marked."""
    typer.echo(f"\nBest hits for {found.words!r} (* right: it is truly that):")
    for name, hits, tags in (("before", found.before, uploaded), ("after", found.after, voted)):
        for hit in hits[:NUM_SHOWN]:
            mark = "*" if hit.gif_id in found.right else " "
            typer.echo(f"  {name:<6} {mark} {hit.gif_id}  {hit.score:5.2f}  {', '.join(tags.get(hit.gif_id, []))}")
        if not hits:
            typer.echo(f"  {name:<6}   nothing")


def _voted_tags(tables: str, release: warehouse.RunRecord) -> Tags:
    """Each GIF's tags with confidence, highest first, ties alphabetical, without tags that a rule only proposes."""
    columns = ["gif_id", "tag", "confidence", "source"]
    rows = warehouse.read_table(tables, VOTED_TAGS.name, release, columns).to_pylist()
    tags: Tags = {}
    for row in sorted(rows, key=lambda row: (-row["confidence"], row["tag"])):
        if row["source"] not in ("proposed", "refused"):
            tags.setdefault(row["gif_id"], []).append(f"{row['tag']} {row['confidence']:.2f}")
    return tags


def _forgotten_tags(uploaded: Tags, truth: dict[str, set[str]]) -> list[str]:
    """The NUM_SEARCHES true tags that most GIFs of the catalog lack, ties alphabetical."""
    lacking = Counter(tag for gif_id, tags in uploaded.items() for tag in truth.get(gif_id, set()) - set(tags))
    return sorted(lacking, key=lambda tag: (-lacking[tag], tag))[:NUM_SEARCHES]


def _index_raw(tables: str, release: warehouse.RunRecord, client: Elasticsearch, config: ElasticsearchConfig) -> None:
    """Make an index of the tags that GIFs came with, to compare with."""
    index = search.create_index(client, Owner(RAW, tables), release.run_id, config)
    for _ in search.bulk_index(client, index, raw_documents(tables, release), config):
        pass
    search.finish_index(client, index, config)
    search.swap_alias(client, RAW, index, config, holds=release.run_id)


def measure_searches(url: str, truth_uri: str, seed: int, alias: str = "gifs") -> SearchReport:
    """`autotag search-eval` of NUM_ASKED drawn searches on the tags that GIFs came with and on the release.

    It needs the index that `show_searches` makes.
    """
    truth = read_truth(truth_uri).to_pylist()
    queries = draw_queries(truth, NUM_ASKED, seed)
    asked = AskedQueries(queries, NUM_ASKED, truth_relevance(queries, truth))
    return evaluate_search(ComparedIndexes(url, RAW, alias), asked).report
