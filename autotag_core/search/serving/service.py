"""The service as a FastAPI application."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from typing import Annotated

from elastic_transport import ConnectionTimeout, TransportError
from elasticsearch import ApiError
from fastapi import FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException

from autotag_core.errors import InputError
from autotag_core.search.client import explain
from autotag_core.search.serving import shapes
from autotag_core.search.serving.limits import Limits, error
from autotag_core.search.serving.searches import Searches
from autotag_core.search.translation.translator import MAX_PHRASE, Translator
from autotag_core.search.translation.weirdness import MAX_WEIRDNESS
from autotag_core.terminal import shown

MAX_LIMIT, MAX_OFFSET = 50, 4999
"""As GIPHY has them."""
_log = logging.getLogger(__name__)

Words = Annotated[str, Query(min_length=1, max_length=MAX_PHRASE, description="What the GIF should show.")]
Phrase = Annotated[str, Query(min_length=1, max_length=MAX_PHRASE, description="What the GIF should say.")]
Limit = Annotated[int, Query(ge=0, le=MAX_LIMIT)]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET)]
Weirdness = Annotated[float, Query(ge=0, le=MAX_WEIRDNESS, description="0: the best fit; 10: far from the obvious.")]
SeedNumber = Annotated[int | None, Query(ge=0, lt=2**31, description="The same seed gives the same GIF.")]
OneTag = Annotated[str, Path(min_length=1, max_length=MAX_PHRASE)]
GifId = Annotated[str, Path(min_length=1, max_length=512)]


@dataclass(frozen=True)
class Served:
    """What the service answers with."""

    searches: Searches
    translator: Translator
    media: str | None = None
    """The public address of a GIF's file, with {gif_id} in it."""
    per_minute: int = 600
    """Requests of one address; 0: any number."""


def create_service(served: Served) -> FastAPI:
    """The application: GIPHY's endpoints, /health, and the page /docs, which loads nothing from elsewhere."""
    app = FastAPIOffline(
        title="autotag search",
        version="1",
        description="GIFs by words, phrases, tags and trends.",
        redoc_url=None,
        static_url="/docs-files",
    )
    app.state.served = served
    _add_lists(app, served)
    _add_single_gifs(app, served)
    _add_errors(app)
    app.add_middleware(Limits, per_minute=served.per_minute)
    return app


def _add_lists(app: FastAPI, served: Served) -> None:
    searches, media = served.searches, served.media

    @app.get("/v1/search")
    def search(q: Words, limit: Limit = 25, offset: Offset = 0) -> shapes.Gifs:
        """GIFs for words, the best first."""
        found = searches.by_words(_said(q), limit, offset)
        return shapes.page(found.documents, found.total, offset, media)

    @app.get("/v1/trending")
    def trending(limit: Limit = 25, offset: Offset = 0) -> shapes.Gifs:
        """GIFs that rise, then the most popular ones."""
        found = searches.rising(limit, offset)
        return shapes.page(found.documents, found.total, offset, media)

    @app.get("/v1/related/{gif_id}")
    def related(gif_id: GifId, limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 25) -> shapes.Gifs:
        """GIFs that are like one, the nearest first."""
        found = searches.related(gif_id, limit)
        if found is None:
            raise HTTPException(404, f"no GIF {gif_id}")
        return shapes.page(found, len(found), 0, media)

    @app.get("/v1/tags/{tag}/related")
    def related_tags(tag: OneTag) -> shapes.Tags:
        """Tags that GIFs of one have more often than others have them."""
        data = [shapes.Tag(name=name, count=count) for name, count in searches.tags_beside(_said(tag))]
        pagination = shapes.Pagination(total_count=len(data), count=len(data), offset=0)
        return shapes.Tags(data=data, pagination=pagination, meta=shapes.meta())


def _add_single_gifs(app: FastAPI, served: Served) -> None:
    @app.get("/v1/translate")
    def translate(s: Phrase, weirdness: Weirdness = 0, seed: SeedNumber = None) -> shapes.OneGif:
        """The GIF for a phrase. Its words need not be tags."""
        found = served.translator.translate(s, weirdness, _seed(seed)).candidates
        return shapes.one(found[0].document if found else None, served.media)

    @app.get("/v1/random")
    def at_random(
        tag: Annotated[str | None, Query(max_length=MAX_PHRASE)] = None, seed: SeedNumber = None
    ) -> shapes.OneGif:
        """Any GIF, or any of a tag."""
        return shapes.one(served.searches.at_random(tag, _seed(seed)), served.media)

    @app.get("/health", include_in_schema=False)
    def health() -> JSONResponse:
        if not served.searches.is_there():
            return error(503, f"there is no index {served.searches.index}")
        return JSONResponse({"meta": shapes.meta().model_dump()})


def _add_errors(app: FastAPI) -> None:
    """Every error in the shape of the API. What Elasticsearch says is logged, and clients learn only that it failed."""

    @app.exception_handler(RequestValidationError)
    def wrong(_: Request, problem: RequestValidationError) -> JSONResponse:
        first = problem.errors()[0]
        return error(400, f"{first['loc'][-1]}: {first['msg']}")

    @app.exception_handler(InputError)
    def refused(_: Request, problem: InputError) -> JSONResponse:
        return error(400, str(problem))

    @app.exception_handler(HTTPException)
    def not_there(_: Request, problem: HTTPException) -> JSONResponse:
        return error(problem.status_code, str(problem.detail), dict(problem.headers or {}))

    @app.exception_handler(ApiError)
    @app.exception_handler(TransportError)
    def unanswered(request: Request, problem: Exception) -> JSONResponse:
        is_late = isinstance(problem, ConnectionTimeout)
        answer = error(504, "search took too long") if is_late else error(503, "search is not available")
        _log.error("%s: %s", shown(request.url.path), explain(request.app.state.served.searches.client, problem))
        return answer


def _said(text: str) -> str:
    if not text.strip():
        raise InputError("no words; say what the GIF should show, for example: happy cat")
    return " ".join(text.split())


def _seed(seed: int | None) -> int:
    return random.randrange(2**31) if seed is None else seed
