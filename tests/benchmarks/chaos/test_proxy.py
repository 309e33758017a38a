"""A proxy before a real HTTP server: what passes is as without it, and each fault is what a client would meet."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from benchmarks.chaos.proxy import Answer, Proxy


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        said = f"{self.path} {self.headers['Host']} {self.headers['X-Odd']} ".encode() + body
        self.send_response(201)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "77")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with Proxy(f"http://127.0.0.1:{server.server_address[1]}") as proxy:
            yield proxy
        server.shutdown()


def asked(proxy: Proxy, method: str = "PUT") -> tuple[int, str | None, bytes]:
    connection = http.client.HTTPConnection(str(urlsplit(proxy.url).netloc), timeout=10)
    connection.request(method, "/a%2Fb?c=d", b"content", {"Host": "signed", "X-Odd": "Kept"})
    answer = connection.getresponse()
    return answer.status, answer.getheader("ETag"), answer.read()


def test_what_passes_is_as_without_a_proxy_so_that_signatures_hold(proxy: Proxy) -> None:
    assert asked(proxy) == (201, '"1"', b"/a%2Fb?c=d signed Kept content")
    assert asked(proxy, "HEAD")[0] == 200
    assert proxy.num_requests == 2


def test_an_answer_can_be_replaced_cut_or_not_given(proxy: Proxy) -> None:
    proxy.fault = lambda *_: Answer(503, [], b"slow down")
    assert asked(proxy) == (503, None, b"slow down")
    proxy.fault = lambda request, forward: Answer(200, [], forward(request).body, sent=5)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        asked(proxy)
    proxy.fault = lambda *_: None
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        asked(proxy)


def test_a_head_has_no_body_whatever_the_answer_so_that_the_next_one_is_understood(proxy: Proxy) -> None:
    proxy.fault = lambda *_: Answer(503, [], b"slow down")
    address = urlsplit(proxy.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(1000), b""))
    assert answer.startswith(b"HTTP/1.1 503") and answer.endswith(b"\r\n\r\n")


def test_a_server_that_is_gone_is_a_connection_that_breaks(proxy: Proxy) -> None:
    proxy.upstream = "http://127.0.0.1:1"
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
        asked(proxy)
