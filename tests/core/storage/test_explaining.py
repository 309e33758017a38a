"""An S3 that refuses or ignores every request is an outage, whichever library asks it, and no wrong input."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autotag_core import inputs, storage, warehouse
from autotag_core.errors import InputError, OutageError
from autotag_core.tables import RUNS
from autotag_core.warehouse import RunRecord
from autotag_core.warehouse.delta import open_table, read_rows
from autotag_core.warehouse.delta_commits import commit_files
from tests.refusing_proxy import RefusingProxy

NOW = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
ROW = b'{"gif_id": "g1"}\n'


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 and delta-rs give up on an answer within a second; Arrow by itself does so in some ten."""
    monkeypatch.setattr(storage.files.s3_client, "__defaults__", (1, 0.3, 2, 16))
    patience = {"connect_timeout": "1s", "timeout": "300ms", "retry_timeout": "1s", "max_retries": "1"}
    monkeypatch.setattr("autotag_core.storage.arrow._PATIENCE", patience)


@pytest.fixture
def house(bucket: str, impatient: None, refusing: RefusingProxy) -> str:
    """A bucket behind the proxy with a catalog of one row and a table `runs`."""
    storage.write_bytes(f"{bucket}/x.jsonl", ROW)
    warehouse.append_run(bucket, RunRecord("r1", NOW, NOW, "failed"))
    return bucket


def read_part(house: str) -> None:
    part = inputs.Part(f"{house}/x.jsonl", "json", 0, len(ROW), ())
    list(inputs.read_part(part, [inputs.Column("gif_id")], "|"))


def requests(house: str, path: Path) -> dict[str, Callable[[], object]]:
    path.write_bytes(ROW)
    delta = open_table(f"{house}/runs")
    return {
        "read": lambda: storage.read_bytes(f"{house}/x.jsonl"),
        "write": lambda: storage.write_bytes(f"{house}/y", ROW),
        "create": lambda: storage.create_file(f"{house}/z", ROW),
        "upload": lambda: storage.upload_file(path, f"{house}/y"),
        "download": lambda: storage.download_file(f"{house}/x.jsonl", path),
        "list": lambda: storage.list_files(house),
        "delete": lambda: storage.delete_files([f"{house}/x.jsonl"]),
        "exists": lambda: storage.check_exists(f"{house}/x.jsonl"),
        "is writable": lambda: warehouse.check_writable(house),
        "open table": lambda: open_table(f"{house}/runs"),
        "read table": lambda: read_rows(delta, f"{house}/runs", RUNS),
        "commit": lambda: commit_files(f"{house}/table", [], RUNS.schema, "mark"),
        "list runs": lambda: warehouse.list_runs(house),
        "append run": lambda: warehouse.append_run(house, RunRecord("r2", NOW, NOW, "failed")),
        "read catalog": lambda: read_part(house),
    }


SLOW = {"list", "delete", "exists", "is writable", "commit", "list runs", "append run", "read catalog"}
"""Requests by the same ways as others: these are not tried where each takes seconds."""


@pytest.mark.parametrize("fault", ["503", "hang"])
def test_an_s3_that_refuses_or_ignores_requests_is_an_outage_that_names_the_place(
    fault: str, house: str, refusing: RefusingProxy, tmp_path: Path
) -> None:
    asked = requests(house, tmp_path / "file")
    storage.ask([house])
    refusing.mode = fault  # type: ignore[assignment]
    for name, request in asked.items():
        if fault == "hang" and name in SLOW:
            continue
        with pytest.raises(OutageError) as caught:
            request()
        message = str(caught.value)
        assert message.startswith(house) and "S3 does not answer, or only that it can't now" in message, name
        assert caught.value.exit_code == 3 and "\n" not in message


def test_an_endpoint_that_never_answered_may_be_a_wrong_one_and_later_it_is_an_outage(
    house: str, refusing: RefusingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.read_bytes(f"{house}/x.jsonl")
    refusing.close()
    storage.files._s3_client.cache_clear()
    with pytest.raises(OutageError, match="Could not connect"):
        storage.read_bytes(f"{house}/x.jsonl")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    storage.files._s3_client.cache_clear()
    with pytest.raises(InputError, match="Could not connect"):
        storage.read_bytes(f"{house}/x.jsonl")


def test_what_s3_refuses_for_a_reason_is_no_outage(house: str) -> None:
    storage.ask([f"{house}-that-is-not-there", "/a/local/path"])
    for uri in (f"{house}/never-there", f"{house}-that-is-not-there/x"):
        with pytest.raises(InputError):
            storage.read_bytes(uri)


def test_one_object_that_is_refused_is_no_outage_of_its_store_and_all_are(house: str, refusing: RefusingProxy) -> None:
    uris = [f"{house}/{name}.gif" for name in ("one", "two", "three")]
    for uri in uris[:2]:
        storage.write_bytes(uri, b"GIF")
    refusing.mode, refusing.only = "503", b"/one.gif"
    for others in ([uris[1]], [uris[2]], uris[1:]):
        storage.ask_any([uris[0], *others])
    with pytest.raises(OutageError, match=r"one\.gif: S3 does not answer"):
        storage.ask_any(uris[:1])
    refusing.only = b".gif"
    with pytest.raises(OutageError):
        storage.ask_any(uris)
