"""What a client of the service may do: so many requests a minute, of so many bytes, with the token if there is one."""

from __future__ import annotations

import time

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from autotag_core.search.serving.shapes import meta
from autotag_core.tagger.serving.token import TOKEN_HEADER, has_token

MAX_BODY = 64 * 1024
"""Bytes of a request: Slack sends some thousand."""
_FREE = ("/health", "/docs", "/openapi.json")
_SIGNED = "/slack/"


class Limits:
    """Answers 401, 413 and 429 in the shape of the API, before a request reaches it.

    A client is an address. Behind a proxy, uvicorn takes it from X-Forwarded-For if the proxy may say so.
    """

    def __init__(self, app: ASGIApp, per_minute: int) -> None:
        self._app, self._item = app, RateLimitItemPerMinute(per_minute) if per_minute else None
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http" or scope["path"].startswith(_FREE):
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> JSONResponse | None:
        client = (scope.get("client") or ("unknown", 0))[0]
        if self._item is not None and not self._limiter.hit(self._item, client):
            wait = max(1, round(self._limiter.get_window_stats(self._item, client).reset_time - time.time()))
            message = f"at most {self._item.amount} requests a minute"
            return error(429, message, {"retry-after": str(wait)})
        if not scope["path"].startswith(_SIGNED) and not has_token(headers.get(TOKEN_HEADER)):
            return error(401, f"a token is needed in {TOKEN_HEADER}")
        length = headers.get("content-length", "0" if "transfer-encoding" not in headers else "unknown")
        if not length.isdigit() or int(length) > MAX_BODY:
            return error(413, f"a request must say its length, at most {MAX_BODY} bytes")
        return None


def error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error in the shape of the API."""
    return JSONResponse({"data": [], "meta": meta(status, message).model_dump()}, status, headers)
