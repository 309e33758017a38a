"""Buckets that are public, or whose requester pays: what boto3, Arrow and delta-rs send to their server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake.exceptions import TableNotFoundError

from autotag_core import storage
from autotag_core.config import FramesConfig
from autotag_core.errors import InputError
from autotag_core.frames import fetch_bytes
from autotag_core.tables import Table
from autotag_core.warehouse import delta
from autotag_core.warehouse.delta import open_table, read_rows

FRAMES = FramesConfig().model_copy(update={"connect_timeout_s": 2.25, "fetch_attempts": 1})


class Bucket(BaseHTTPRequestHandler):
    """A server of objects that keeps the headers of each request."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked.append({name.lower(): value for name, value in self.headers.items()})
        name = unquote(self.path.partition("?")[0])
        found = self.server.objects.get(name)
        whole = found if found is not None else b"<Error><Code>NoSuchKey</Code></Error>"
        status, data = 404 if found is None else 200, whole
        if found is not None and (span := self.headers.get("Range")):
            first, _, last = span.removeprefix("bytes=").partition("-")
            status, data = 206, whole[int(first) : int(last or len(whole)) + 1]
            self.server.ranges += 1
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Range", f"bytes 0-{len(data)}/{len(whole)}")
        self.send_header("Last-Modified", "Sun, 29 Nov 2026 00:00:00 GMT")
        self.send_header("ETag", '"1"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as running:
        served: Any = running
        served.asked, served.objects, served.ranges = [], {}, 0
        for name in (
            "AWS_PROFILE",
            "AWS_ENDPOINT_URL_S3",
            "AWS_SESSION_TOKEN",
            "AWS_SKIP_SIGNATURE",
            "AWS_REQUEST_PAYER",
        ):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running.server_port}")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        storage.files._s3_client.cache_clear()
        yield served
        storage.files._s3_client.cache_clear()
        running.shutdown()
        thread.join()


def ask_by_each_library(server: Any) -> dict[str, list[dict[str, str]]]:
    """Read an object by boto3, twice, by Arrow and by delta-rs; the headers of their requests."""
    server.objects["/gifs/a.gif"] = b"GIF89a"
    asked = {}

    def read_by_arrow() -> None:
        filesystem, (path,) = storage.arrow_paths(["s3a://gifs/a.gif"])
        with filesystem.open_input_file(path) as file:
            assert file.read() == b"GIF89a"

    def open_no_table() -> None:
        with pytest.raises((TableNotFoundError, InputError, Exception)):
            open_table("s3a://gifs/table")

    ways: dict[str, Any] = {
        "boto3": lambda: storage.read_bytes("s3a://gifs/a.gif"),
        "frames": lambda: fetch_bytes("s3a://gifs/a.gif", FRAMES),
        "arrow": read_by_arrow,
        "delta-rs": open_no_table,
    }
    for name, way in ways.items():
        server.asked.clear()
        way()
        asked[name] = list(server.asked)
        assert asked[name], f"{name} asked nothing"
    return asked


def test_with_credentials_each_request_is_signed_and_nobody_pays(server: Any) -> None:
    for name, requests in ask_by_each_library(server).items():
        assert all("authorization" in headers and "x-amz-request-payer" not in headers for headers in requests), name


def test_a_public_bucket_needs_no_credentials(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    for name, requests in ask_by_each_library(server).items():
        assert not any("authorization" in headers for headers in requests), name


def test_each_request_says_that_its_sender_pays(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REQUEST_PAYER", "true")
    for name, requests in ask_by_each_library(server).items():
        assert {headers.get("x-amz-request-payer") for headers in requests} == {"requester"}, name
        assert all("x-amz-request-payer" in headers["authorization"] for headers in requests), f"{name}: is signed too"


def test_a_parquet_file_whose_requester_pays_is_read_by_ranges(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REQUEST_PAYER", "true")
    table = pa.table({"n": list(range(500_000)), "t": [f"{n * 7919 % 1_000_003}" for n in range(500_000)]})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=100_000)
    server.objects["/gifs/c.parquet"] = sink.getvalue().to_pybytes()
    filesystem, (path,) = storage.arrow_paths(["s3a://gifs/c.parquet"])
    with filesystem.open_input_file(path) as file:
        assert pq.ParquetFile(file).read_row_group(3).equals(table.slice(300_000, 100_000))
    assert server.ranges >= 2
    with pytest.raises(OSError, match="s3a://gifs/none: there is no such object"):
        filesystem.open_input_file("gifs/none")


def test_a_table_whose_requester_pays_is_read_as_every_other_table(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REQUEST_PAYER", "true")
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"gif_id": ["a", "b"]}), sink)
    server.objects["/gifs/w/t/expert=text/p.parquet"] = sink.getvalue().to_pybytes()
    schema = pa.schema([("gif_id", pa.string()), ("expert", pa.string())])
    table = Table("t", "a row", schema, ("gif_id",), ("expert",))
    monkeypatch.setattr(delta, "live_files", lambda *_: ["s3a://gifs/w/t/expert=text/p.parquet"])
    opened: Any = SimpleNamespace(schema=lambda: SimpleNamespace(to_arrow=lambda: schema))
    rows = read_rows(opened, "s3a://gifs/w/t", table, where=pc.field("gif_id") == "b").to_pylist()
    assert rows == [{"gif_id": "b", "expert": "text"}]
