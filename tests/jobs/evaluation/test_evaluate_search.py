"""Two real indexes and the same queries: literal documents in, measures and reasons out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from elasticsearch import Elasticsearch
from typer.testing import CliRunner

from autotag_core import search
from autotag_core.config import ElasticsearchConfig
from autotag_core.errors import InputError
from autotag_core.evaluation.search_quality.asked_queries import AskedQueries
from autotag_core.tables import CATALOG
from autotag_core.warehouse import RunRecord, append_run, new_run_id, table_uri
from jobs.commands.app import app
from jobs.evaluation.evaluate_search import ComparedIndexes, evaluate_search

pytestmark = pytest.mark.integration
CONFIG = ElasticsearchConfig(replicas=0)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
ROWS = [
    {"gif_id": "a", "tags": ["cat"], "editorial_tags": []},
    {"gif_id": "b", "tags": ["catt"], "editorial_tags": ["dog"]},
    {"gif_id": "c", "tags": ["cat"], "editorial_tags": []},
    {"gif_id": "d", "tags": ["fish"], "editorial_tags": []},
]
TRUTH = {"a": ["cat"], "b": ["cat", "dog"], "c": ["dog"], "d": ["fish"]}
RETAGGED = {"a": {"cat": 0.9}, "b": {"cat": 0.8, "dog": 1.0}, "c": {"dog": 0.7, "cat": 0.1}, "d": {"bird": 0.6}}


@pytest.fixture
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    with search.elasticsearch_client(elasticsearch, CONFIG) as found:
        yield found


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    """A release `r1` of ROWS."""
    uri = str(tmp_path / "warehouse")
    rows = [
        {"uri": f"/{row['gif_id']}.gif", "caption": None, "popularity": 0, "version": None, "uploader": None} | row
        for row in ROWS
    ]
    rows = [row | {"split": "train"} for row in rows]
    write_deltalake(table_uri(uri, "catalog"), pa.Table.from_pylist(rows, schema=CATALOG.plain_schema))
    append_run(uri, RunRecord("r1", NOW, NOW, "published", release_of="r1", table_versions={"catalog": 0}))
    return uri


@pytest.fixture
def retagged(client: Elasticsearch, warehouse: str) -> Iterator[str]:
    """An index of RETAGGED that says it holds r1."""
    owner = search.Owner(f"eval-{uuid.uuid4().hex}", warehouse)
    name = search.create_index(client, owner, "r1", CONFIG)
    documents: list[dict[str, Any]] = [
        {
            "gif_id": gif_id,
            "tags": [{"tag": tag, "weight": weight, "confidence": weight} for tag, weight in tags.items()],
        }
        for gif_id, tags in RETAGGED.items()
    ]
    for _ in search.bulk_index(client, name, documents, CONFIG):
        pass
    search.finish_index(client, name, CONFIG)
    search.change_mark(client, name, CONFIG, holds="r1")
    yield name
    client.indices.delete(index=name)


def raw_indexes(client: Elasticsearch) -> list[str]:
    return list(client.indices.get_settings(index="autotag-raw-*").body)


def test_raw_tags_and_retagged_ones_answer_the_same_queries_and_the_raw_index_is_gone_afterwards(
    client: Elasticsearch, elasticsearch: str, warehouse: str, retagged: str
) -> None:
    right = {"cat": {"a": 1, "b": 1}, "dog": {"b": 1, "c": 1}, "fish": {"d": 1}}
    indexes = ComparedIndexes(elasticsearch, "raw", retagged, warehouse)
    found = evaluate_search(indexes, AskedQueries({"cat": 5, "dog": 2, "fish": 1, "cow": 1}, 9, right))
    ids = {
        query: ([hit.gif_id for hit in one.before], [hit.gif_id for hit in one.after])
        for query, one in found.answers.items()
    }
    assert ids == {
        "cat": (["a", "c"], ["a", "b", "c"]),
        "dog": ([], ["b", "c"]),
        "fish": (["d"], []),
        "cow": ([], []),
    }
    assert [(one.query, one.why) for one in found.report.lost] == [
        ("fish", ("d was 1 and is not among the first 50: its tag 'fish' is gone", "it finds nothing"))
    ]
    empty = found.report.means()["zero results"]
    assert empty is not None and (empty.before, empty.after) == pytest.approx((3 / 9, 2 / 9))
    assert raw_indexes(client) == []


def test_editors_tags_stand_beside_uploaders_where_they_shall_make_no_difference(
    elasticsearch: str, warehouse: str, retagged: str
) -> None:
    asked = AskedQueries({"dog": 1}, 1, {})
    found = evaluate_search(ComparedIndexes(elasticsearch, "edited", retagged, warehouse), asked)
    assert [hit.gif_id for hit in found.answers["dog"].before] == ["b"]


def test_the_raw_index_is_gone_after_an_error_too_and_so_is_one_that_a_kill_left(
    client: Elasticsearch, elasticsearch: str, warehouse: str, retagged: str
) -> None:
    ids = [new_run_id(datetime.now(UTC) - timedelta(hours=hours)) for hours in (23, 25)]
    young, _ = (search.create_index(client, search.Owner("autotag-raw", warehouse), run_id, CONFIG) for run_id in ids)
    many = {" ": 1} | {f"cat {number}": 1 for number in range(3000)}
    with pytest.raises(InputError, match="no words"):
        evaluate_search(ComparedIndexes(elasticsearch, "raw", retagged, warehouse), AskedQueries(many, 3001, {}))
    searches = client.indices.stats(index=retagged, metric="search")["_all"]["total"]["search"]["query_total"]
    assert searches < 1000, "the others are not asked any more"
    assert raw_indexes(client) == [young]
    client.indices.delete(index=young)


def test_a_raw_index_of_another_release_than_the_index_after_holds_is_refused(
    client: Elasticsearch, elasticsearch: str, warehouse: str, retagged: str
) -> None:
    search.change_mark(client, retagged, CONFIG, holds="r0")
    with pytest.raises(InputError, match=r"holds the release r0, and .* shows r1: give --run r0"):
        evaluate_search(ComparedIndexes(elasticsearch, "raw", retagged, warehouse), AskedQueries({"cat": 1}, 1, {}))


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["search-eval", *words])
    if isinstance(result.exception, InputError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_replays_a_log_or_asks_for_the_tags_of_the_truth(
    elasticsearch: str, warehouse: str, retagged: str, tmp_path: Path
) -> None:
    truth, log = tmp_path / "truth.jsonl", tmp_path / "log.csv"
    truth.write_text("".join(json.dumps({"gif_id": gif_id, "tags": tags}) + "\n" for gif_id, tags in TRUTH.items()))
    log.write_text("query,count\ncat,5\nDog,2\nfish,2\ncow,1\n")
    given = ("--elasticsearch", elasticsearch, "--after", retagged, "--warehouse", warehouse, "--truth", str(truth))
    lines = run(*given, "--queries", str(log), "--most", "3").splitlines()
    assert lines[:2] == [
        f"before: raw; after: {retagged}",
        "3 queries, 9 of the 10 searches of the log; 3 of them have a right GIF",
    ]
    assert lines[-3].startswith("  'fish' (2): nDCG@10 1.000 -> 0.000")
    queries = json.loads(run(*given, "--json"))["queries"]
    assert [(one["query"], one["count"], one["num_right"]) for one in queries] == [
        ("cat", 1, 2),
        ("dog", 1, 2),
        ("fish", 1, 1),
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "give --elasticsearch URL"),
        (("--elasticsearch", "http://127.0.0.1:9"), "give --queries FILE, or --truth FILE"),
        (("--elasticsearch", "http://127.0.0.1:9", "--queries", "no-such.csv"), "no-such.csv: "),
    ],
)
def test_what_is_not_given_is_said_in_one_line(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        run(*words)
