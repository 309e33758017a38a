"""A proxy before a real HTTP server that does to some requests what networks and servers do to them."""

from __future__ import annotations

import http.client
import os
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "transfer-encoding", "keep-alive", "expect", "content-length"}
_UPSTREAM_S = 120.0
Headers = list[tuple[str, str]]


@dataclass(frozen=True)
class Request:
    """What a client has sent."""

    method: str
    path: str
    headers: Headers
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What the client gets: of the body the first `sent` bytes only, where that is given; then the connection ends."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    sent: int | None = None
    num_bytes: int | None = None
    """The length that a HEAD's answer names, whose body is empty."""


Forward = Callable[[Request], Answer]
Fault = Callable[[Request, Forward], "Answer | None"]
"""What becomes of a request. None: the connection is reset without an answer."""


def passed(request: Request, forward: Forward) -> Answer:
    """No fault."""
    return forward(request)


class Proxy:
    """`with Proxy(upstream) as proxy`: what is sent to `proxy.url` goes to the server at `upstream`, through `fault`.

    Both may be changed at any time. Headers stay as they are, the host too, so that signatures hold.
    """

    def __init__(self, upstream: str, fault: Fault = passed) -> None:
        self.upstream, self.fault = upstream, fault
        self.num_requests = 0
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def forward(self, request: Request) -> Answer:
        """The server's own answer. OSError or HTTPException where it gives none."""
        connection = http.client.HTTPConnection(str(urlsplit(self.upstream).netloc), timeout=_UPSTREAM_S)
        try:
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers:
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            if request.body or request.method in ("PUT", "POST"):
                connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body or None)
            found = connection.getresponse()
            body = found.read()
            headers = [pair for pair in found.getheaders() if pair[0].lower() not in _HOP_BY_HOP]
            length = found.getheader("Content-Length")
            return Answer(found.status, headers, body, num_bytes=int(length) if length else None)
        finally:
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    proxy: Proxy

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients that are killed or give up are what this is for."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self) -> None:
        proxy = self.server.proxy
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = Request(self.command, self.path, list(self.headers.items()), self._body())
        proxy.num_requests += 1
        answer = None
        with suppress(OSError, http.client.HTTPException):  # a server that is gone gives no answer
            answer = proxy.fault(request, proxy.forward)
        if answer is None:
            self._reset()
            return
        names = {name.lower() for name, _ in answer.headers}
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if answer.status >= 200 and answer.status not in (204, 304):
            length = answer.num_bytes if request.method == "HEAD" and answer.num_bytes else len(answer.body)
            self.send_header("Content-Length", str(length))
        if "content-type" not in names and answer.body:
            self.send_header("Content-Type", "application/json")
        self.end_headers()
        if request.method != "HEAD":  # what follows its head would be taken for the next answer
            self.wfile.write(answer.body if answer.sent is None else answer.body[: answer.sent])
        if answer.sent is not None:
            self._reset()

    def _body(self) -> bytes:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _reset(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())
