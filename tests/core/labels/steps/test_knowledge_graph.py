"""The Knowledge Graph is asked over HTTP once a tag, with patience, and the key never shows."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from autotag_core.errors import AutotagError, InputError
from autotag_core.labels import Entity, KnowledgeGraph

KEY = "secret-key-7"
ANSWERS = {
    "tom hanks": [{"result": {"name": "Tom Hanks", "@type": ["Thing", "Person"]}, "resultScore": 2000}],
    "matrix": [
        {"result": {"name": "The Matrix", "@type": ["Movie", "Thing"]}, "resultScore": 900},
        {"result": {"name": "Matrix", "@type": ["Thing"]}, "resultScore": 800},
    ],
    "jane doe": [{"result": {"name": "Jane Doe", "@type": ["Person"]}, "resultScore": 3}],
}


class Server(HTTPServer):
    """Speaks as the Knowledge Graph Search API does; fails with the statuses of `failing` first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.failing: list[int] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        self.server.asked.append(query["query"][0])
        status = self.server.failing.pop(0) if self.server.failing else 200 if query["key"] == [KEY] else 400
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps({"itemListElement": ANSWERS.get(query["query"][0], [])}).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def graph(server: Server, waits: list[float], tmp_path: Path) -> KnowledgeGraph:
    endpoint = f"http://127.0.0.1:{server.server_port}/v1/entities:search"
    return KnowledgeGraph(KEY, str(tmp_path / "cache.json"), endpoint, per_second=1000, sleep=waits.append)


def test_people_and_titles_of_exactly_this_name_and_enough_renown_are_found(graph: KnowledgeGraph) -> None:
    assert graph.look_up(["tom hanks", "matrix", "jane doe", "cat"]) == {"tom hanks": Entity("Tom Hanks", "person")}


def test_what_was_asked_is_remembered_from_run_to_run(graph: KnowledgeGraph, server: Server, tmp_path: Path) -> None:
    graph.look_up(["tom hanks", "cat", "cat"])
    again = KnowledgeGraph(KEY, str(tmp_path / "cache.json"), graph.endpoint)
    assert set(again.look_up(["cat", "tom hanks"])) == {"tom hanks"}
    assert server.asked == ["tom hanks", "cat"]


def test_busy_answers_are_tried_again_with_growing_waits(
    graph: KnowledgeGraph, server: Server, waits: list[float]
) -> None:
    server.failing = [429, 503]
    assert set(graph.look_up(["tom hanks"])) == {"tom hanks"}
    assert [wait for wait in waits if wait >= 1] == [1.0, 2.0]
    server.failing = [500] * 5
    with pytest.raises(AutotagError, match="HTTP 500 after 5 tries for the tag 'cat'"):
        graph.look_up(["cat"])


def test_requests_keep_their_pace(server: Server, waits: list[float], tmp_path: Path) -> None:
    endpoint = f"http://127.0.0.1:{server.server_port}/"
    slow = KnowledgeGraph(KEY, str(tmp_path / "cache.json"), endpoint, per_second=0.1, sleep=waits.append)
    slow.look_up(["a", "b", "c"])
    assert len(waits) == 2 and 9 < waits[0] <= 10 and 19 < waits[1] <= 20  # nobody really slept


def test_a_wrong_key_is_named_by_its_variable_and_never_shown(graph: KnowledgeGraph) -> None:
    graph.key = "wrong-key-8"
    with pytest.raises(InputError, match="HTTP 400: check GOOGLE_KNOWLEDGE_GRAPH_API_KEY") as raised:
        graph.look_up(["cat"])
    assert "wrong-key" not in f"{raised.value} {graph!r} {raised.value.__cause__}"


def test_nobody_at_home_shows_no_key(waits: list[float], tmp_path: Path) -> None:
    dead = KnowledgeGraph(KEY, str(tmp_path / "cache.json"), "http://127.0.0.1:9/", sleep=waits.append)
    with pytest.raises(AutotagError, match="NewConnectionError after 5 tries") as raised:
        dead.look_up(["cat"])
    assert KEY not in f"{raised.value}"


def test_without_a_key_in_the_environment_there_is_no_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GOOGLE_KNOWLEDGE_GRAPH_API_KEY", raising=False)
    assert KnowledgeGraph.from_environment(str(tmp_path / "cache.json")) is None
    monkeypatch.setenv("GOOGLE_KNOWLEDGE_GRAPH_API_KEY", KEY)
    found = KnowledgeGraph.from_environment(str(tmp_path / "cache.json"))
    assert found is not None and found.endpoint.startswith("https://kgsearch.googleapis.com/")
