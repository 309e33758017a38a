"""The service, which listens on a port, on a real Elasticsearch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3
import uvicorn
from fastapi import FastAPI

from autotag_core.config import ElasticsearchConfig
from autotag_core.search import elasticsearch_client
from autotag_core.search.never import Never
from autotag_core.search.serving.searches import Searches
from autotag_core.search.serving.service import Served, create_service
from autotag_core.search.translation.meanings import Meanings
from autotag_core.search.translation.translator import Translator

MEDIA = "https://media.example.com/{gif_id}.gif"
NOTHING_HIDDEN = Never()


@dataclass(frozen=True)
class Client:
    """Asks a service that listens."""

    url: str

    def get(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> urllib3.BaseHTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return urllib3.request("GET", self.url + path, fields=fields, headers=named, retries=False)

    def post(self, path: str, body: Any = b"", headers: dict[str, str] | None = None) -> urllib3.BaseHTTPResponse:
        return urllib3.request("POST", self.url + path, body=body, headers=headers, retries=False)


@pytest.fixture
def served(
    elasticsearch: str, config: ElasticsearchConfig, index: str, meanings: Meanings
) -> Iterator[Callable[..., Served]]:
    """What a service of the index answers with; `url` and `name` may lead elsewhere."""
    clients = []

    def made(
        never: Never = NOTHING_HIDDEN,
        per_minute: int = 0,
        url: str = elasticsearch,
        name: str = index,
        timeout_s: float = 30,
    ) -> Served:
        client = elasticsearch_client(url, config.model_copy(update={"timeout_s": timeout_s}))
        clients.append(client)
        return Served(Searches(client, name, never), Translator(client, name, meanings, never), MEDIA, per_minute)

    yield made
    for client in clients:
        client.close()


@pytest.fixture
def listening() -> Iterator[Callable[[FastAPI], Client]]:
    """Let an application listen on a port of its own."""
    servers = []

    def started(app: FastAPI) -> Client:
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        return Client(f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}")

    yield started
    for server, thread in servers:
        server.should_exit = True
        thread.join(30)


@pytest.fixture
def service(served: Callable[..., Served], listening: Callable[[FastAPI], Client]) -> Callable[..., Client]:
    """A client of a service with these options."""
    return lambda **options: listening(create_service(served(**options)))
