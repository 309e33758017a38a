"""The service on a real Elasticsearch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient

from autotag_core.config import ElasticsearchConfig
from autotag_core.search import elasticsearch_client
from autotag_core.search.never import Never
from autotag_core.search.serving.searches import Searches
from autotag_core.search.serving.service import Served, create_service
from autotag_core.search.translation.meanings import Meanings
from autotag_core.search.translation.translator import Translator

MEDIA = "https://media.example.com/{gif_id}.gif"


@pytest.fixture
def served(
    elasticsearch: str, config: ElasticsearchConfig, index: str, meanings: Meanings
) -> Iterator[Callable[..., Served]]:
    """What a service of the index answers with; `url` and `index` may lead elsewhere."""
    clients = []

    def made(
        never: Never = Never(),  # noqa: B008
        per_minute: int = 0,
        url: str = elasticsearch,
        name: str = index,
        timeout_s: float = 10,
    ) -> Served:
        client = elasticsearch_client(url, config.model_copy(update={"timeout_s": timeout_s}))
        clients.append(client)
        return Served(Searches(client, name, never), Translator(client, name, meanings, never), MEDIA, per_minute)

    yield made
    for client in clients:
        client.close()


@pytest.fixture
def service(served: Callable[..., Served]) -> Callable[..., TestClient]:
    """A client of the service, which sees errors as answers."""
    return lambda **options: TestClient(create_service(served(**options)), raise_server_exceptions=False)
