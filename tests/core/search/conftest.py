"""A server in front of the real Elasticsearch that fails as a busy or broken one does, and one with a fixed answer."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from autotag_core.config import ElasticsearchConfig, TextConfig
from autotag_core.experts.text.sentences import as_bytes
from autotag_core.search import Owner, bulk_index, create_index, elasticsearch_client, finish_index
from autotag_core.search.translation.meanings import Meanings


@dataclass
class FaultyElasticsearch:
    """Forwards to the real server, except for bulk requests: for each it takes the next of `faults`, then `after`."""

    upstream: str
    faults: list[str] = field(default_factory=list)
    after: str = "forward"
    bulk_ids: list[list[str]] = field(default_factory=list)
    max_bytes: int | None = None
    url: str = ""

    def next_fault(self, body: bytes) -> str:
        if self.max_bytes is not None and len(body) > self.max_bytes:
            return "413"
        return self.faults.pop(0) if self.faults else self.after


def _forward(proxy: FaultyElasticsearch, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict, bytes]:
    upstream = http.client.HTTPConnection(urlsplit(proxy.upstream).netloc, timeout=30)
    headers = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "content-length")}
    upstream.request(handler.command, handler.path, body=body or None, headers=headers)
    answer = upstream.getresponse()
    content = answer.read()
    kept = ("content-type", "x-elastic-product")
    return answer.status, {name: value for name, value in answer.getheaders() if name.lower() in kept}, content


def _reject_item(body: bytes, status: int, forward: Callable[[bytes], tuple[int, dict, bytes]]) -> tuple:
    """The first document is turned away inside an answer of 200, the others are indexed."""
    lines = body.splitlines(keepends=True)
    code, headers, content = forward(b"".join(lines[2:])) if lines[2:] else (200, _ELASTIC, b'{"items": []}')
    rejected = {
        "index": {"status": status, "error": {"type": "es_rejected_execution_exception", "reason": "queue full"}}
    }
    items = [rejected, *json.loads(content)["items"]]
    return code, headers, json.dumps({"items": items}).encode()


_ELASTIC = {"content-type": "application/json", "x-elastic-product": "Elasticsearch"}


def _handler(proxy: FaultyElasticsearch) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status: int, headers: dict, content: bytes) -> None:
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            fault = "forward"
            if "_bulk" in self.path:
                actions = (line for line in map(json.loads, body.splitlines()) if line.keys() & {"index", "delete"})
                proxy.bulk_ids.append([next(iter(action.values()))["_id"] for action in actions])
                fault = proxy.next_fault(body)
            if fault == "cut":
                self.close_connection = True
            elif fault == "cut after":  # the server has done it, the client never hears of it
                _forward(proxy, self, body)
                self.close_connection = True
            elif fault.startswith("item "):
                self.answer(*_reject_item(body, int(fault.split()[1]), lambda part: _forward(proxy, self, part)))
            elif fault == "html 502":
                self.answer(502, {"content-type": "text/html"}, b"<html>bad gateway</html>")
            elif fault == "broken json":
                self.answer(200, _ELASTIC, b'{"items": [{"ind')
            elif fault == "no items":
                self.answer(200, _ELASTIC, b'{"took": 1}')
            elif fault.isdigit():
                self.answer(int(fault), _ELASTIC, b'{"error": {"type": "busy", "reason": "come back later"}}')
            else:
                self.answer(*_forward(proxy, self, body))

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _serve(handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None = None) -> tuple[ThreadingHTTPServer, str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # a client that hangs up in the handshake is part of the test
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server, f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"


@pytest.fixture
def faulty(elasticsearch: str) -> Iterator[FaultyElasticsearch]:
    proxy = FaultyElasticsearch(elasticsearch)
    server, proxy.url = _serve(_handler(proxy))
    yield proxy
    server.shutdown()
    server.server_close()


@pytest.fixture
def answering() -> Iterator[Callable[..., tuple[str, list[dict[str, str]]]]]:
    """Start a server that gives one and the same answer; returns its URL and the headers of each request."""
    servers = []

    def start(
        status: int, headers: dict[str, str], content: bytes, tls: ssl.SSLContext | None = None
    ) -> tuple[str, list[dict[str, str]]]:
        seen: list[dict[str, str]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append({name.lower(): value for name, value in self.headers.items()})
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        server, url = _serve(Handler, tls)
        servers.append(server)
        return url, seen

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def config() -> ElasticsearchConfig:
    return ElasticsearchConfig(replicas=0).model_copy(
        update={"attempts": 4, "initial_backoff_s": 0.001, "max_backoff_s": 0.01}
    )


@pytest.fixture
def index(elasticsearch: str, config: ElasticsearchConfig) -> Iterator[str]:
    """An empty index on the real server."""
    with elasticsearch_client(elasticsearch, config) as client:
        name = create_index(client, Owner(f"test-{uuid.uuid4().hex}", "s3a://w"), "run", config)
        yield name
        client.indices.delete(index=name)


@pytest.fixture(scope="session")
def meanings() -> Meanings:
    """MiniLM, whose package has its weights."""
    return Meanings(TextConfig())


@pytest.fixture
def fill(elasticsearch: str, config: ElasticsearchConfig, index: str, meanings: Meanings) -> Callable[..., str]:
    """Fill the index with documents as a night makes them, from gif_id=(tag, tag, ...) or a dict of columns."""

    def filled(**rows: tuple[str, ...] | dict[str, object]) -> str:
        documents = []
        for gif_id, row in rows.items():
            known = dict(row) if isinstance(row, dict) else {"tags": row}
            tags = [(tag, 1.0) if isinstance(tag, str) else tag for tag in known.pop("tags", ())]
            said = ". ".join(filter(None, (", ".join(tag for tag, _ in tags), known.get("caption"))))
            vector = as_bytes(meanings.of_phrase(said)).tolist() if said else None
            lists = {"people": [], "written_tags": [], "related_gifs": []}
            whole = {"caption": None, "text": None, "popularity": 0, "trend": None, "uri": f"s3a://b/{gif_id}.gif"}
            named = [{"tag": tag, "weight": weight, "confidence": 1.0, "accepted": True} for tag, weight in tags]
            documents.append({"gif_id": gif_id, "tags": named, "meaning": vector} | lists | whole | known)
        with elasticsearch_client(elasticsearch, config) as client:
            assert [one.refused for one in bulk_index(client, index, documents, config) if one.refused] == []
            finish_index(client, index, config)
        return index

    return filled
