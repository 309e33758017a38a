"""Bytes by URI, from disk and from an HTTP server that answers as S3 does when things go wrong."""

import os
import socket
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from autotag_core.config import FramesConfig
from autotag_core.failures import ItemError, Reason, Stage
from autotag_core.frames import fetch_bytes, iter_loaded

BODY = bytes(range(256)) * 40
ACCESS_KEY, SECRET_KEY = "AKIAEXAMPLEEXAMPLE00", "verysecretverysecretverysecret0"
# time-outs that no other test uses: clients are kept by their settings
CONFIG = FramesConfig(max_bytes=100_000).model_copy(
    update={"fetch_attempts": 3, "connect_timeout_s": 1.25, "read_timeout_s": 0.75}
)


class Answers(BaseHTTPRequestHandler):
    """Does what the key's name says; `seen` counts requests by key, `sent` the bytes of bodies."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        bucket, _, key = unquote(self.path.partition("?")[0]).lstrip("/").partition("/")
        self.server.seen[key] += 1
        first = self.server.seen[key] < 3
        if bucket == "no-such-bucket":
            self.refuse(404, "NoSuchBucket")
        elif key.startswith("error "):
            _, status, code = key.split()
            self.refuse(int(status), code)
        elif key.startswith("busy twice") and first:
            self.refuse(503, "SlowDown")
        elif key == "no answer" or (key == "no answer twice" and first):
            self.close_connection = True
        elif key == "silent":
            time.sleep(1.5)
            self.close_connection = True
        elif key == "always cut" or (key == "cut twice" and first):
            self.answer(len(BODY), BODY[:5000])
            self.close_connection = True
        elif key.startswith("a byte now and then"):
            self.send_slowly()
        elif key == "large":
            self.answer(50_000_000, b"x" * 1000)
            self.close_connection = True
        elif key == "large without a length":
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            self.send_endlessly()
        else:
            self.answer(len(BODY), BODY)

    def answer(self, length, body):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def send_slowly(self):
        self.send_response(200)
        self.send_header("Content-Length", "5000")
        self.end_headers()
        self.close_connection = True
        try:
            for _ in range(5000):
                self.wfile.write(b"x")
                self.server.slow_bytes += 1
                time.sleep(0.02)
        except OSError:
            pass

    def send_endlessly(self):
        try:
            for _ in range(10_000):
                self.wfile.write(b"x" * 10_000)
                self.server.sent += 10_000
        except OSError:
            pass

    def refuse(self, status, code):
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running, pytest.MonkeyPatch.context() as patch:
        running.seen, running.sent, running.slow_bytes = Counter(), 0, 0
        running.daemon_threads = True
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{running.server_port}")
        patch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
        patch.delenv("AWS_PROFILE", raising=False)
        patch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        fetch_bytes("s3a://gifs/warm up", CONFIG)  # the client is made while the environment is this one
        yield running
        running.shutdown()
        thread.join()


def error_of(uri, config=CONFIG):
    with pytest.raises(ItemError) as caught:
        fetch_bytes(uri, config)
    error = caught.value
    assert error.stage is Stage.FRAMES
    assert SECRET_KEY not in str(error)
    assert "\n" not in error.message
    return error


@pytest.mark.parametrize("scheme", ["s3", "s3a", "s3n", "S3A"])
def test_objects_are_read_whole(server, scheme):
    assert fetch_bytes(f"{scheme}://gifs/a.gif", CONFIG) == BODY


@pytest.mark.parametrize("key", ["with space.gif", "a#b?c=d.gif", "süß/猫.gif", "100%.gif", "a%20b.gif", "a+b&c.gif"])
def test_keys_are_taken_as_they_are_written(server, key):
    before = server.seen[key]
    assert fetch_bytes(f"s3a://gifs/{key}", CONFIG) == BODY
    assert server.seen[key] == before + 1


@pytest.mark.parametrize(
    ("uri", "reason", "words"),
    [
        ("s3a://gifs/error 404 NoSuchKey", Reason.NOT_FOUND, "there is no such object"),
        ("s3a://no-such-bucket/a.gif", Reason.NOT_FOUND, "there is no such bucket"),
        ("s3a://gifs/error 403 AccessDenied", Reason.ACCESS_DENIED, "403 AccessDenied"),
        ("s3a://gifs/error 403 SignatureDoesNotMatch", Reason.ACCESS_DENIED, "SignatureDoesNotMatch"),
        ("s3a://gifs/error 400 ExpiredToken", Reason.ACCESS_DENIED, "ExpiredToken"),
        ("s3a://gifs/error 418 Teapot", Reason.FETCH_FAILED, "418 Teapot"),
    ],
)
def test_what_asking_again_would_not_change_is_told_at_once(server, uri, reason, words):
    error = error_of(uri)
    assert error.reason is reason
    assert words in error.message
    assert server.seen[uri.split("/", 3)[3]] <= 1 or "no-such-bucket" in uri


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("error 503 SlowDown", "S3 answered 503 SlowDown"),
        ("error 500 InternalError", "S3 answered 500 InternalError"),
        ("error 429 TooManyRequests", "S3 answered 429 TooManyRequests"),
        ("error 400 RequestTimeout", "S3 answered 400 RequestTimeout"),
        ("always cut", "IncompleteRead"),
        ("no answer", "ConnectionClosedError"),
        ("silent", "ReadTimeoutError"),
    ],
)
def test_what_keeps_failing_is_given_up_after_the_attempts(server, key, words):
    error = error_of(f"s3a://gifs/{key}")
    assert error.reason is Reason.FETCH_FAILED
    assert words in error.message or (key == "always cut" and "Response" in error.message)
    assert "given up after 3 attempts" in error.message
    assert server.seen[key] == 3


@pytest.mark.parametrize("key", ["busy twice.gif", "cut twice", "no answer twice"])
def test_what_works_the_third_time_is_read(server, key):
    assert fetch_bytes(f"s3a://gifs/{key}", CONFIG) == BODY
    assert server.seen[key] == 3


def test_nobody_at_the_endpoint_is_a_failed_fetch(server, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://user:hunter2@127.0.0.1:9")
    error = error_of("s3a://gifs/a.gif", CONFIG.model_copy(update={"read_timeout_s": 0.76}))
    assert error.reason is Reason.FETCH_FAILED
    assert "EndpointConnectionError" in error.message
    assert "hunter2" not in error.message


def test_no_credentials_at_all_is_access_denied(server, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    error = error_of("s3a://gifs/a.gif", CONFIG.model_copy(update={"read_timeout_s": 0.77}))
    assert error.reason is Reason.ACCESS_DENIED
    assert "set AWS_ACCESS_KEY_ID" in error.message


def test_an_object_too_large_is_refused_by_its_length(server):
    error = error_of("s3a://gifs/large")
    assert error.reason is Reason.FILE_TOO_LARGE
    assert "50,000,000 bytes; the limit is 100,000 (frames.max_bytes)" in error.message
    assert server.seen["large"] == 1


def test_an_object_that_does_not_say_its_length_is_read_to_the_limit_only(server):
    error = error_of("s3a://gifs/large without a length")
    assert error.reason is Reason.FILE_TOO_LARGE
    assert server.sent < 50_000_000


def test_waiting_for_another_attempt_ends_when_the_result_is_no_longer_wanted(server):
    stop = threading.Event()
    patient = CONFIG.model_copy(update={"fetch_attempts": 1000})
    errors = []

    def fetch():
        try:
            fetch_bytes("s3a://gifs/error 503 StillBusy", patient, stop)
        except ItemError as error:
            errors.append(error)

    thread = threading.Thread(target=fetch)
    thread.start()
    while server.seen["error 503 StillBusy"] < 2:
        time.sleep(0.01)
    stop.set()
    thread.join(timeout=30)
    assert [error.reason for error in errors] == [Reason.FETCH_FAILED]
    assert server.seen["error 503 StillBusy"] < 20


def test_a_body_that_never_ends_is_given_up_at_the_deadline(server):
    """Its bytes come often enough for read_timeout_s: a hundred seconds of them."""
    before = server.slow_bytes
    error = error_of("s3a://gifs/a byte now and then", CONFIG.model_copy(update={"fetch_deadline_s": 0.5}))
    assert error.reason is Reason.FETCH_FAILED
    assert "a byte now and then: not read whole within 0.5 s, with all its tries" in error.message
    assert server.seen["a byte now and then"] == 1
    assert 0 < server.slow_bytes - before < 2000


def test_the_deadline_is_for_all_attempts_together(server):
    patient = CONFIG.model_copy(update={"fetch_attempts": 1000, "fetch_deadline_s": 0.5})
    assert "not read whole within 0.5 s" in error_of("s3a://gifs/error 503 SlowDownForEver", patient).message
    assert 1 < server.seen["error 503 SlowDownForEver"] < 20


def test_a_body_that_is_no_longer_wanted_is_not_read_to_its_end(server):
    before, stop, errors = server.slow_bytes, threading.Event(), []

    def fetch():
        try:
            fetch_bytes("s3a://gifs/a byte now and then, stopped", CONFIG, stop)
        except ItemError as error:
            errors.append(error.message)

    thread = threading.Thread(target=fetch)
    thread.start()
    while server.slow_bytes < before + 3:
        time.sleep(0.01)
    stop.set()
    thread.join(timeout=30)
    assert len(errors) == 1 and "no longer wanted" in errors[0]
    assert server.slow_bytes - before < 2000


def test_loading_that_is_given_up_stops_asking_the_server(server, tmp_path):
    patient = CONFIG.model_copy(update={"fetch_attempts": 1000})
    (tmp_path / "empty.gif").write_bytes(b"")
    items = [("first", str(tmp_path / "empty.gif")), ("busy", "s3a://gifs/error 503 NeverFree")]
    loaded = iter_loaded(items, patient)
    assert next(loaded)[0] == "first"
    loaded.close()
    end = time.monotonic() + 30
    while any(thread.name.startswith("frames") for thread in threading.enumerate()) and time.monotonic() < end:
        time.sleep(0.01)
    assert not any(thread.name.startswith("frames") for thread in threading.enumerate())


@pytest.mark.parametrize("name", ["a.gif", "with space.gif", "a#b?c.gif", "süß 猫.gif", "100%.gif", "a:b.gif"])
def test_local_files_are_read_by_path_and_by_file_uri(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(BODY)
    assert fetch_bytes(str(path), CONFIG) == BODY
    assert fetch_bytes(path.as_uri(), CONFIG) == BODY
    assert fetch_bytes("file:" + path.as_uri().removeprefix("file://"), CONFIG) == BODY
    assert fetch_bytes("FILE://" + path.as_uri().removeprefix("file://"), CONFIG) == BODY
    if "%" not in name:
        assert fetch_bytes(f"file://{path}", CONFIG) == BODY


def test_relative_paths_are_local_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a:b.gif").write_bytes(b"x")
    assert fetch_bytes("a:b.gif", CONFIG) == b"x"


def test_a_local_file_at_the_limit_is_read_and_one_byte_more_is_refused(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(bytes(100_000))
    assert len(fetch_bytes(str(path), CONFIG)) == 100_000
    path.write_bytes(bytes(100_001))
    error = error_of(str(path))
    assert (error.reason, "100,001 bytes; the limit is 100,000" in error.message) == (Reason.FILE_TOO_LARGE, True)


def test_files_that_are_not_there_are_not_found(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("missing.gif", "file/below.gif", "x" * 300, "loop", "pipe", "."):
        assert error_of(f"{tmp_path}/{name}").reason is Reason.NOT_FOUND
    assert "this is a directory" in error_of(str(tmp_path)).message


def test_files_that_may_not_be_read_are_access_denied(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(b"x")
    path.chmod(0)
    user = os.geteuid()
    if user == 0:  # root may read every file
        os.seteuid(65534)
    try:
        error = error_of(str(path))
    finally:
        os.seteuid(user)
    assert error.reason is Reason.ACCESS_DENIED


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/a.gif?X-Amz-Signature=verysecretverysecretverysecret0",
        "http://example.com/a.gif",
        "gs://bucket/a.gif",
        "hdfs://host/a.gif",
        f"s3a://{ACCESS_KEY}:{SECRET_KEY}@bucket/a.gif",
        f"s3a://{ACCESS_KEY}:very/{SECRET_KEY}/secret@bucket/a.gif",
        f"s3a://{ACCESS_KEY}:{SECRET_KEY}",
        f"s3a://{ACCESS_KEY}:{SECRET_KEY}/a.gif",
        f"s3a:{ACCESS_KEY}:{SECRET_KEY}@bucket/a.gif",
        f"s3a:/{ACCESS_KEY}:{SECRET_KEY}@bucket/a.gif",
        f"file://user:{SECRET_KEY}@host/a.gif",
        f"FILE://user:{SECRET_KEY}/x@host/a.gif",
        "s3a://bucket",
        "s3a://bucket/",
        "s3a:///a.gif",
        "s3a://not a bucket!/a.gif",
        "",
        "a\0b",
        "a\ud800b",
    ],
)
def test_what_is_no_uri_of_a_file_is_unsupported(server, uri):
    error = error_of(uri)
    assert error.reason is Reason.UNSUPPORTED_URI
    assert ACCESS_KEY not in error.message


def within(*places):
    return CONFIG.model_copy(update={"allowed_places": places})


def test_what_is_in_no_allowed_place_is_not_read(server, tmp_path):
    (tmp_path / "gifs").mkdir()
    (tmp_path / "gifs2").mkdir()
    for name in ("gifs/a.gif", "gifs2/b.gif"):
        (tmp_path / name).write_bytes(BODY)
    config = within("s3a://gifs/night", str(tmp_path / "gifs"))
    for uri in ("s3://gifs/night/a.gif", f"{tmp_path}/gifs/a.gif", (tmp_path / "gifs" / "a.gif").as_uri()):
        assert fetch_bytes(uri, config) == BODY
    before = server.seen.total()
    others = ["s3a://gifs/nightly/a.gif", "s3a://other/night/a.gif", "s3a://gifs/night/../x", f"{tmp_path}/gifs2/b.gif"]
    for uri in [*others, f"{tmp_path}/gifs/../gifs2/b.gif", "/etc/passwd", "file:///etc/passwd"]:
        error = error_of(uri, config)
        assert (error.reason, "frames.allowed_places" in error.message) == (Reason.UNSUPPORTED_URI, True)
        assert "root:" not in error.message
    assert server.seen.total() == before


def test_a_link_leads_to_allowed_places_alone(tmp_path):
    for name in ("gifs", "more", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.gif").write_bytes(BODY)
    for name in ("gifs", "more", "secret"):
        (tmp_path / "gifs" / f"{name}.gif").symlink_to(tmp_path / name / "a.gif")
    (tmp_path / "gifs" / "folder").symlink_to(tmp_path / "secret")
    (tmp_path / "linked").symlink_to(tmp_path / "more")
    config = within(str(tmp_path / "gifs"), str(tmp_path / "linked"))
    assert fetch_bytes(f"{tmp_path}/gifs/gifs.gif", config) == BODY
    assert fetch_bytes(f"{tmp_path}/gifs/more.gif", config) == BODY
    assert fetch_bytes(f"{tmp_path}/linked/a.gif", config) == BODY
    for name in ("secret.gif", "folder/a.gif"):
        error = error_of(f"{tmp_path}/gifs/{name}", config)
        assert error.reason is Reason.UNSUPPORTED_URI
        assert error.message == (
            f"{tmp_path}/gifs/{name}: this is {tmp_path}/secret/a.gif, which is in no place that frames.allowed_places "
            "names"
        )


def test_nothing_waits_for_a_pipe_a_device_or_a_socket(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for name in ("pipe", "link", "zero", "socket"):
            error = error_of(f"{tmp_path}/{name}")
            assert (error.reason, "no regular file" in error.message) == (Reason.NOT_FOUND, True)


def test_a_file_that_becomes_a_pipe_between_two_looks_is_not_waited_for(tmp_path, monkeypatch):
    (tmp_path / "a.gif").write_bytes(BODY)
    looked = (tmp_path / "a.gif").stat()
    (tmp_path / "a.gif").unlink()
    os.mkfifo(tmp_path / "a.gif")
    monkeypatch.setattr("autotag_core.storage.regular.os.stat", lambda _: looked)
    assert error_of(str(tmp_path / "a.gif")).reason is Reason.NOT_FOUND
