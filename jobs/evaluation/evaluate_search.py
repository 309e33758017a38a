"""The same queries on two indexes of a real Elasticsearch. One may be made for that, of the tags GIFs came with."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from autotag_core import search
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError
from autotag_core.evaluation.search_quality.asked_queries import AskedQueries
from autotag_core.evaluation.search_quality.blind_page import blind_page
from autotag_core.evaluation.search_quality.head_to_head import draw_pairs
from autotag_core.evaluation.search_quality.lost_queries import Answers, sunk_gifs, why_lost
from autotag_core.evaluation.search_quality.ranking_measures import DEPTH, RankingMeasures, measure_rankings
from autotag_core.evaluation.search_quality.raw_documents import raw_documents
from autotag_core.evaluation.search_quality.search_report import QueryResult, SearchReport, Side
from autotag_core.reports.pictures import release_places
from autotag_core.warehouse import RunRecord, current_release, new_run_id

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

RAW, EDITED = "raw", "edited"
"""What a person names for an index that is made: of the tags that GIFs came with, and of these and editors' tags."""
_RAW_ALIAS = "autotag-raw"  # its indexes are named after it; no alias of this name is ever made
_AT_ONCE = 4  # searches: they keep a server of some cores busy, and leave room for those of people
_ABANDONED = timedelta(days=1)  # an evaluation takes minutes: what is older was left by one that was killed


@dataclass(frozen=True)
class ComparedIndexes:
    """Two indexes or aliases of one server. `warehouse` is where the catalog of a raw index comes from."""

    url: str
    before: str
    after: str
    warehouse: str | None = None
    run_id: str | None = None
    """A run other than the current release."""


@dataclass(frozen=True)
class EvaluatedSearch:
    """The report, and what each query found."""

    report: SearchReport
    answers: dict[str, Answers]


def evaluate_search(indexes: ComparedIndexes, asked: AskedQueries, explains: bool = True) -> EvaluatedSearch:
    """Ask every query of both indexes, as the product's own search does, and compare what they find.

    `explains`: ask queries that lose again, with the tags that found their GIFs, to say why.
    InputError where an index is not there, or one is to be made and the index after holds another release.
    Cost: two searches a query, four at once; an index that is made takes the bulk requests of the whole catalog.
    """
    config = ElasticsearchConfig(replicas=0)
    with (
        search.elasticsearch_client(indexes.url, config, search.read_credentials()) as client,
        _index_before(client, indexes, config) as before,
        _searchers() as pool,
    ):
        ask = functools.partial(_ask, client, (before, indexes.after), asked)
        answers = dict(zip(asked.counts, pool.map(ask, asked.counts), strict=True))
        results = list(_results(asked, answers))
        if explains:
            results = [
                one if one.gain >= 0 else _explained(one, ask(one.query, with_tags=True), client, indexes.after)
                for one in results
            ]
    return EvaluatedSearch(SearchReport(indexes.before, indexes.after, asked.num_searches, tuple(results)), answers)


def compare_blindly(
    indexes: ComparedIndexes, found: EvaluatedSearch, counts: Mapping[str, int], num: int
) -> tuple[int, Iterator[str]]:
    """How many queries a person can compare, at most `num`, and the page for it, in parts.

    InputError without a warehouse: its release says where GIFs may be read.
    """
    if indexes.warehouse is None:
        raise InputError("search-eval: a page needs the warehouse, whose last night says where GIFs may be read")
    release = current_release(indexes.warehouse, indexes.run_id)
    pairs = draw_pairs(found.answers, counts, num, release.sequence)
    if not pairs:
        raise InputError("search-eval: both indexes show the same GIFs for every query: there is nothing to compare")
    return len(pairs), blind_page(pairs, release_places(release))


def _results(asked: AskedQueries, answers: Mapping[str, Answers]) -> Iterator[QueryResult]:
    """The results of the queries, in their order."""
    measures: list[dict[str, RankingMeasures]] = [
        measure_rankings({query: [hit.gif_id for hit in hits(one)] for query, one in answers.items()}, asked.relevance)
        for hits in (lambda one: one.before, lambda one: one.after)
    ]
    for query, count in asked.counts.items():
        one = answers[query]
        before, after = (
            Side(len(hits), found.get(query)) for hits, found in zip((one.before, one.after), measures, strict=True)
        )
        yield QueryResult(query, count, len(one.right), before, after)


def _ask(
    client: Elasticsearch, indexes: tuple[str, str], asked: AskedQueries, query: str, with_tags: bool = False
) -> Answers:
    """What both indexes find for the query."""
    before, after = (search.search_gifs(client, index, query, DEPTH, with_tags=with_tags) for index in indexes)
    return Answers(asked.relevance.get(query, {}), before, after)


def _explained(result: QueryResult, answers: Answers, client: Elasticsearch, after: str) -> QueryResult:
    """The result of a query that loses, with why."""
    sunk = sunk_gifs(answers)
    documents = search.tag_weights(client, after, sunk) if sunk else {}
    return replace(result, why=why_lost(answers, documents))


@contextmanager
def _searchers() -> Iterator[ThreadPoolExecutor]:
    """Threads that search. After an error or an interrupt none of them begins a further search."""
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _index_before(client: Elasticsearch, indexes: ComparedIndexes, config: ElasticsearchConfig) -> Iterator[str]:
    """The index to compare with. One that is made is deleted after the block, whatever happens."""
    if indexes.before not in (RAW, EDITED):
        yield indexes.before
        return
    if indexes.warehouse is None:
        raise InputError(
            f"search-eval: --before {indexes.before} needs --warehouse, whose catalog has the tags that GIFs came with"
        )
    release = current_release(indexes.warehouse, indexes.run_id)
    _check_same_release(client, indexes, release, config)
    _delete_abandoned(client)
    shards = int(_settings(client, indexes.after)["number_of_shards"])  # BM25 counts words shard by shard
    alike = config.model_copy(update={"shards": shards})
    run_id = new_run_id(datetime.now(UTC))
    name = search.index_name(_RAW_ALIAS, run_id)
    try:
        search.create_index(client, search.Owner(_RAW_ALIAS, indexes.warehouse), run_id, alike)
        documents = raw_documents(indexes.warehouse, release, with_editors=indexes.before == EDITED)
        outcomes = list(search.bulk_index(client, name, documents, alike))
        num_refused = sum(len(one.refused) for one in outcomes)
        num_documents = num_refused + sum(one.num_indexed for one in outcomes)
        search.check_count(search.finish_index(client, name, alike), num_documents, num_refused, alike)
        yield name
    finally:
        client.indices.delete(index=name, ignore_unavailable=True)


def _check_same_release(
    client: Elasticsearch, indexes: ComparedIndexes, release: RunRecord, config: ElasticsearchConfig
) -> None:
    """InputError where the index after holds the documents of another release than the one whose catalog is read."""
    mark = search.read_mark(client, indexes.after, config)
    wanted = release.release_of or release.run_id
    if mark is not None and mark.holds not in (None, wanted):
        raise InputError(
            f"search-eval: {indexes.after} holds the release {mark.holds}, and {indexes.warehouse} shows {wanted}: "
            f"give --run {mark.holds}, or the warehouse of {indexes.after}"
        )


def _delete_abandoned(client: Elasticsearch) -> None:
    """Delete the raw indexes that killed evaluations left."""
    youngest = search.index_name(_RAW_ALIAS, new_run_id(datetime.now(UTC) - _ABANDONED))
    for name in client.indices.get_settings(index=f"{_RAW_ALIAS}-*").body:
        if name < youngest:  # a name begins with the time of its run
            client.indices.delete(index=name, ignore_unavailable=True)


def _settings(client: Elasticsearch, index: str) -> dict[str, str]:
    """The settings of an index, or of the first of an alias."""
    found = client.indices.get_settings(index=index).body
    return dict(next(iter(found.values()))["settings"]["index"])
