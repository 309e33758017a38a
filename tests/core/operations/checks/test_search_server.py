"""Every right that a night needs of Elasticsearch is used once; a server that refuses one is found before the night."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from elasticsearch import Elasticsearch

from autotag_core.config import ElasticsearchConfig
from autotag_core.operations.checks.finding import Finding, examine
from autotag_core.operations.checks.search_server import check_search
from autotag_core.search import Owner, create_index

CONFIG = ElasticsearchConfig(replicas=0).model_copy(update={"attempts": 2})


def found(url: str, warehouse: str | None = "/warehouse") -> list[Finding]:
    return examine("search", lambda: check_search(url, "doctored", CONFIG, warehouse))


@contextmanager
def setting(url: str, name: str, value: object) -> Iterator[None]:
    with Elasticsearch(url) as client:
        client.cluster.put_settings(persistent={name: value})
        try:
            yield
        finally:
            client.cluster.put_settings(persistent={name: None})


def indexes(url: str) -> list[str]:
    with Elasticsearch(url) as client:
        return list(client.indices.get(index="doctored*"))


def test_a_server_that_can_be_used_is_left_as_it_was(elasticsearch: str) -> None:
    findings = found(elasticsearch)
    assert {finding.level for finding in findings} == {"ok"}
    said = [finding.said for finding in findings]
    assert said[0].startswith("Elasticsearch 8.") and said[1] == "0 s from the clock of Elasticsearch"
    assert said[-1].endswith("was made, filled, counted, aliased and deleted")
    assert indexes(elasticsearch) == []
    assert {finding.level for finding in found(elasticsearch, None)} == {"ok"}


def test_an_alias_of_another_warehouse_is_an_error(elasticsearch: str) -> None:
    with Elasticsearch(elasticsearch) as client:
        create_index(client, Owner("doctored", "/other"), "20261129T000000Z-aaaaaa", CONFIG)
        client.indices.update_aliases(actions=[{"add": {"index": "doctored-*", "alias": "doctored"}}])
        try:
            [finding] = found(elasticsearch)
            assert finding.level == "error" and "of the warehouse /other" in finding.said
            assert {finding.level for finding in found(elasticsearch, "/other")} == {"ok"}
        finally:
            client.indices.delete(index=",".join(client.indices.get(index="doctored-*")))


def test_a_server_that_takes_no_index_is_an_error_in_its_own_words(elasticsearch: str) -> None:
    with Elasticsearch(elasticsearch) as client:
        client.indices.create(index="other-doctor", settings={"number_of_shards": 1, "number_of_replicas": 0})
        try:
            with setting(elasticsearch, "cluster.max_shards_per_node", 1):
                last = found(elasticsearch)[-1]
        finally:
            client.indices.delete(index="other-doctor")
    assert last.level == "error" and "maximum" in last.said
    assert indexes(elasticsearch) == []


def test_a_server_that_is_read_only_is_an_error(elasticsearch: str) -> None:
    with setting(elasticsearch, "cluster.blocks.read_only", True):
        last = found(elasticsearch)[-1]
    assert last.level == "error" and "403" in last.said


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "localhost"])
def test_a_server_that_is_not_there_is_an_error(url: str) -> None:
    [finding] = found(url)
    assert finding.level == "error" and "Elasticsearch" in finding.said


@pytest.fixture
def forbidding() -> Iterator[str]:
    """The URL of a server whose answers are those of Elasticsearch to credentials that may do nothing."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def _refuse(self) -> None:
            body = b'{"error": {"type": "security_exception", "reason": "action is unauthorized"}}'
            self.send_response(404 if self.path.startswith("/_resolve") else 403)
            self.send_header("X-elastic-product", "Elasticsearch")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_DELETE = _refuse  # noqa: N815 - the names are http.server's

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_rights_that_a_night_needs_are_errors_and_those_that_only_the_doctor_needs_are_warnings(
    forbidding: str,
) -> None:
    asked, rights = found(forbidding)
    assert (asked.level, rights.level) == ("warning", "error")
    assert "privilege `monitor`" in asked.advice and "(403)" in rights.said


def test_a_version_that_the_client_does_not_speak_to_is_an_error(
    elasticsearch: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from autotag_core.operations.checks import search_server

    monkeypatch.setattr(search_server, "VERSIONS", (6, 7))
    first = found(elasticsearch)[0]
    assert (first.level, first.advice) == ("error", "version 6 or 7 is needed")
