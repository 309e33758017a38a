"""A search index in; a server until it is told to stop."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from autotag_core import search
from autotag_core.config import ElasticsearchConfig, TextConfig
from autotag_core.errors import InputError
from autotag_core.search.never import read_never
from autotag_core.search.translation.meanings import Meanings
from autotag_core.search.translation.translator import Translator

if TYPE_CHECKING:
    from autotag_core.search.serving.searches import Searches

CONNECTIONS = 40
"""To Elasticsearch: one for each request that a thread of FastAPI can work on."""
MOST_AT_ONCE = 200
"""Requests that are under way or wait; further ones get 503 at once."""
ENDING_S = 10
"""Requests that are under way may end when the server is told to stop."""


@dataclass(frozen=True)
class SearchServeRequest:
    """What `autotag serve-search` was asked."""

    url: str
    index: str
    host: str
    http: int
    never: str | None
    media: str | None
    per_minute: int
    timeout_s: float
    weirdness: float
    """Of the slash command."""


def serve_search(request: SearchServeRequest) -> None:
    """Serve until SIGINT or SIGTERM. InputError where Elasticsearch, the index or a package is missing.

    All that is checked before anything listens.
    """
    try:
        import uvicorn

        from autotag_core.search.serving.searches import Searches
        from autotag_core.search.serving.service import Served, create_service
        from autotag_core.search.serving.slack import VARIABLE, SlashCommand, add_slack
    except ImportError as error:
        raise InputError(f"serve-search needs the package {error.name}: pip install 'autotag[serve-search]'") from None
    if request.media is not None and not request.media.startswith(("http://", "https://")):
        raise InputError(f"--media {request.media}: write an address such as https://media.example.com/{{gif_id}}.gif")
    never, meanings = read_never(request.never), Meanings(TextConfig())
    config = ElasticsearchConfig(timeout_s=request.timeout_s)
    with search.elasticsearch_client(request.url, config, search.read_credentials(), connections=CONNECTIONS) as client:
        searches = Searches(client, request.index, never)
        _check_index(searches)
        meanings.of(searches.frequent_tags())
        translator = Translator(client, request.index, meanings, never)
        app = create_service(Served(searches, translator, request.media, request.per_minute))
        if secret := os.environ.get(VARIABLE):
            add_slack(
                app, SlashCommand(secret, translator, request.media, request.weirdness, lambda: random.randrange(2**31))
            )
        uvicorn.run(
            app,
            host=request.host,
            port=request.http,
            access_log=False,
            log_level="warning",
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=ENDING_S,
            server_header=False,
        )


def _check_index(searches: Searches) -> None:
    from autotag_core.search.client import explained

    with explained(searches.client):
        is_there = searches.is_there()
    if not is_there:
        raise InputError(f"serve-search: Elasticsearch has no index or alias {searches.index}: run a night, or --index")
