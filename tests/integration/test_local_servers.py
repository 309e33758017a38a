"""The real servers: who may use them, what they store, and that nothing of them stays."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from autotag_core.local_machine import PROJECT, ElasticsearchServer, S3Server, children, s3_server
from jobs.run.delta_tables import read_version, write_version

pytestmark = pytest.mark.integration
LIMIT_S = 60

START_AND_WAIT = """
import sys, time
from concurrent.futures import ThreadPoolExecutor
from autotag_core.local_machine import ElasticsearchServer, S3Server, find_java
servers = [S3Server()] if sys.argv[1] == "s3" else [S3Server(), ElasticsearchServer()]
with ThreadPoolExecutor() as pool:
    list(pool.map(lambda server: server.__enter__(), servers))
time.sleep(1)  # longer than the guard's pulse: the threads that started the servers are gone, the servers are not
print(find_java().version, *[getattr(server, "endpoint", None) or server.url for server in servers], flush=True)
if sys.argv[2] == "fail":
    raise SystemExit("as if something had gone wrong")
time.sleep(600)
"""


def answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True  # it is there and refuses
    except OSError:
        return False
    return True


def processes_below(folder: Path) -> list[str]:
    """Command lines that name the folder."""
    listing = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if str(folder) in line]


def left_after_a_while(folder: Path, urls: list[str]) -> list[str]:
    """What is still there of servers whose temporary folders lie in `folder`, when it stays for LIMIT_S seconds."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        left = processes_below(folder) + [str(path) for path in folder.glob("autotag-*")]
        left += [url for url in urls if answers(url)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)


@contextlib.contextmanager
def running_servers(
    which: str, then: str, folder: Path, environment: dict[str, str]
) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A process that holds running servers; the version of its Java and their URLs."""
    process = subprocess.Popen(
        [sys.executable, "-c", START_AND_WAIT, which, then],
        env=environment | {"TMPDIR": str(folder), "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
        cwd=folder,
    )
    try:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        assert words, "the servers did not start"
        yield process, words
    finally:
        process.kill()
        process.wait()


def test_only_the_servers_own_credentials_are_taken(s3: S3Server, bucket: str) -> None:
    def client(access_key: str, secret_key: str) -> object:
        return boto3.session.Session().client(
            "s3", endpoint_url=s3.endpoint, aws_access_key_id=access_key, aws_secret_access_key=secret_key
        )

    name = bucket.removeprefix("s3a://")
    client(s3.access_key, s3.secret_key).put_object(Bucket=name, Key="a/b", Body=b"seen")  # type: ignore[attr-defined]
    assert s3.client().get_object(Bucket=name, Key="a/b")["Body"].read() == b"seen"
    for access_key, secret_key, code in (
        (s3.access_key, "0" * 40, "SignatureDoesNotMatch"),
        ("AKNOBODY", s3.secret_key, "InvalidAccessKeyId"),
    ):
        with pytest.raises(ClientError) as refused:
            client(access_key, secret_key).get_object(Bucket=name, Key="a/b")  # type: ignore[attr-defined]
        assert refused.value.response["Error"]["Code"] == code


def test_a_table_on_s3_is_the_same_for_spark_and_delta_rs(spark: SparkSession, bucket: str) -> None:
    uri = f"{bucket}/tables/tags"
    rows_df = [spark.createDataFrame([row], "gif_id string, tag string") for row in (("g1", "cat"), ("g2", "dog"))]
    assert write_version(rows_df[0], uri, "first") == (0, 1)
    assert write_version(rows_df[1], uri, "second", after=0) == (1, 1)
    schema = rows_df[0].schema
    assert {tuple(row) for row in read_version(spark, uri, 1, schema).collect()} == {("g1", "cat"), ("g2", "dog")}
    assert [tuple(row) for row in read_version(spark, uri, 0, schema).collect()] == [("g1", "cat")]
    assert DeltaTable(uri).version() == 1
    assert sum(DeltaTable(uri).get_add_actions(flatten=True)["num_records"].to_pylist()) == 2


def test_buckets_given_a_folder_outlive_the_server(tmp_path: Path) -> None:
    with S3Server(tmp_path / "buckets") as first:
        first.client().create_bucket(Bucket="kept")
        first.client().put_object(Bucket="kept", Key="k", Body=b"v")
    with S3Server(tmp_path / "buckets") as second:
        assert second.client().get_object(Bucket="kept", Key="k")["Body"].read() == b"v"
        assert (second.access_key, second.secret_key) != (first.access_key, first.secret_key)
    assert not answers(first.endpoint)
    assert not answers(second.endpoint)


def test_elasticsearch_stores_a_document_on_a_disk_however_full(elasticsearch: str) -> None:
    def ask(method: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"{elasticsearch}{path}", data, {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return dict(json.load(answer))

    ask("PUT", "/services-test/_doc/1?refresh=true", {"tag": "cat"})
    assert ask("GET", "/services-test/_doc/1")["_source"] == {"tag": "cat"}
    settings = ask("GET", "/_cluster/settings?include_defaults=true&flat_settings=true")
    assert dict(settings["defaults"])["cluster.routing.allocation.disk.threshold_enabled"] == "false"  # type: ignore[call-overload]
    ask("DELETE", "/services-test")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, "fail"])
def test_the_s3_server_ends_with_its_process(end: signal.Signals | str, temporary: Path) -> None:
    with running_servers("s3", str(end), temporary, dict(os.environ)) as (process, words):
        if isinstance(end, signal.Signals):
            assert answers(words[1])
            process.send_signal(end)
        process.wait(LIMIT_S)
        assert left_after_a_while(temporary, words[1:]) == []


def test_both_servers_run_without_a_java_and_end_with_a_killed_process(
    temporary: Path, without_java: dict[str, str]
) -> None:
    with running_servers("both", "wait", temporary, without_java) as (process, words):
        assert words[0] == "21"
        assert [answers(words[1]), answers(f"{words[2]}/_cluster/health")] == [True, True]
        assert len(processes_below(temporary)) >= 5  # two guards, the S3 server, Elasticsearch's launcher and server
        process.kill()
        process.wait(LIMIT_S)
        assert left_after_a_while(temporary, words[1:]) == []


def test_elasticsearch_says_why_it_did_not_start(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autotag_core.local_machine.elasticsearch_server.HEAP_MB", -1)
    with (
        pytest.raises(Exception, match=r"Elasticsearch ended at once: (?s:.*)(heap|Xm)"),
        ElasticsearchServer(temporary),
    ):
        pass
    assert left_after_a_while(temporary, []) == []


def test_the_s3_server_takes_another_port_when_the_first_was_taken(
    s3: S3Server, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = int(s3.endpoint.rsplit(":", 1)[1])
    ports = iter([taken])
    monkeypatch.setattr(s3_server, "free_port", lambda: next(ports, None) or children.free_port())
    with S3Server(temporary / "buckets") as server:
        assert server.endpoint != s3.endpoint
        assert server.client().list_buckets()["Buckets"] == []
