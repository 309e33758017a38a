"""Answers of the server's pages, with the headers that keep a browser to this server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import Response
from fastapi.responses import JSONResponse

READS_NO_URIS = "unsupported_uri: this server reads no URIs, send the file itself"
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src blob: data:; object-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def as_json(content: dict[str, Any], status: int = 200) -> JSONResponse:
    """The content as an answer."""
    return JSONResponse(content, status, headers=_HEADERS)


def page_file(path: Path) -> Response:
    """A file of a page."""
    return Response(path.read_bytes(), media_type=_KINDS[path.suffix], headers=_HEADERS)
