"""A proxy in front of a real server that, once told to, refuses or ignores requests, or breaks answers off."""

from __future__ import annotations

import select
import socket
import threading
import time
from contextlib import ExitStack, suppress
from typing import Literal
from urllib.parse import urlsplit

_REFUSAL = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>ServiceUnavailable</Code>'
    b"<Message>Reduce your request rate.</Message></Error>"
)
_HEAD = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n"
_POLL_S = 0.2


class RefusingProxy:
    """Passes bytes on while `mode` is `pass`. With `503` it answers each request so, with `hang` it never answers.

    `only` refuses requests alone that hold these bytes. While it passes, it breaks off the next `num_to_cut` answers to
    requests with `only`, in the middle of the body.
    """

    def __init__(self, server_url: str) -> None:
        parts = urlsplit(server_url)
        self._server = (parts.hostname, parts.port)
        self.mode: Literal["pass", "503", "hang"] = "pass"
        self.only = b""
        self.num_refused = self.num_to_cut = 0
        self._door = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections, and let go of those that hang."""
        self.mode = "pass"
        with suppress(OSError):  # else the one who waits for a connection would still get one
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client, ExitStack() as stack:
            server: socket.socket | None = None  # as long as nothing passes, there need be none
            is_asked = False
            while True:
                ready, _, _ = select.select([client, *filter(None, [server])], [], [], _POLL_S)
                for source in ready:
                    data = source.recv(65536)
                    if not data or (self.mode != "pass" and not self._passes(client, data, source is client)):
                        return
                    is_asked = self.only in data if source is client else is_asked
                    if source is server and is_asked and self.num_to_cut and (body := _body_at(data)) < len(data):
                        self.num_to_cut -= 1
                        client.sendall(data[: (body + len(data)) // 2])
                        return
                    server = server or stack.enter_context(socket.create_connection(self._server))
                    (server if source is client else client).sendall(data)

    def _passes(self, client: socket.socket, data: bytes, is_request: bool) -> bool:
        """Whether the bytes are let through after all; if not, the connection has had what it gets."""
        if self.only and not (is_request and self.only in data):
            return True
        if self.mode == "503" and not is_request:
            return True
        self.num_refused += 1
        if self.mode == "503":
            client.sendall(_HEAD % len(_REFUSAL) + b"\r\n" + _REFUSAL)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(2)
            while client.recv(65536):  # a body that is still being sent: closing now would lose the answer
                pass
        while self.mode == "hang":
            time.sleep(_POLL_S)
        return False


def _body_at(data: bytes) -> int:
    """Where the body begins in what a server has sent."""
    end = data.find(b"\r\n\r\n")
    return end + 4 if data.startswith(b"HTTP/") and end >= 0 else 0
