"""The warehouse is really written to, on S3 and on disk, and each way in which a store may fall short is found."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from autotag_core import inputs, storage, warehouse
from autotag_core.local_machine import S3Server
from autotag_core.operations.checks import stores
from autotag_core.operations.checks.finding import Finding, examine
from autotag_core.warehouse import RunRecord

COLUMNS = (inputs.Column("gif_id", "id", is_required=True), inputs.Column("uri", is_required=True))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def of_store(uri: str) -> list[tuple[str, str]]:
    return [(finding.level, finding.said) for finding in examine("warehouse", lambda: stores.check_store(uri))]


def of_catalog(path: Path, text: str) -> Finding:
    path.write_text(text)
    [finding] = examine("catalog", lambda: stores.check_catalog(str(path), COLUMNS, ","))
    return finding


def test_a_store_that_can_be_used_is_left_as_it_was(bucket: str, tmp_path: Path) -> None:
    for uri in (f"{bucket}/warehouse", str(tmp_path / "w")):
        [(level, said)] = of_store(uri)
        assert level == "ok" and said.startswith(f"{uri}: written, read, listed, not written over and deleted in ")
        assert storage.list_files(uri) == []
    assert list((tmp_path / "w").iterdir()) == []


def test_a_bucket_that_is_absent_and_credentials_that_are_wrong_are_errors(
    bucket: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    [(level, said)] = of_store("s3a://absent-bucket/w")
    assert level == "error" and said.startswith("s3a://absent-bucket/w")
    from autotag_core.storage import files

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    files._s3_client.cache_clear()
    [(level, said)] = of_store(f"{bucket}/w")
    files._s3_client.cache_clear()
    assert level == "error" and bucket in said and "hunter2" not in said


def test_a_place_that_can_not_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    [(level, said)] = of_store(str(tmp_path / "file" / "w"))
    assert level == "error" and str(tmp_path / "file") in said


def test_a_store_that_ignores_if_none_match_is_an_error(bucket: str) -> None:
    def strip(params: dict[str, Any], **_: Any) -> None:
        params["headers"].pop("If-None-Match", None)

    events = storage.s3_client().meta.events
    events.register("before-call.s3.PutObject", strip)
    try:
        found = of_store(f"{bucket}/w")
    finally:
        events.unregister("before-call.s3.PutObject", strip)
    assert [level for level, _ in found] == ["error"]
    assert "was written over in spite of If-None-Match" in found[0][1]


def test_a_store_that_keeps_what_was_deleted_is_an_error(bucket: str) -> None:
    def elsewhere(params: dict[str, Any], **_: Any) -> None:
        params["Delete"]["Objects"] = [{"Key": "another"}]

    events = storage.s3_client().meta.events
    events.register("before-parameter-build.s3.DeleteObjects", elsewhere)
    try:
        found = of_store(f"{bucket}/w")
    finally:
        events.unregister("before-parameter-build.s3.DeleteObjects", elsewhere)
    assert [level for level, _ in found] == ["error"] and found[0][1].endswith("that was deleted is still there")


def test_runs_say_what_readers_see_or_what_is_broken(tmp_path: Path) -> None:
    uri = str(tmp_path / "w")
    assert examine("runs", lambda: stores.check_runs(uri)) == [Finding("runs", "ok", f"{uri}: no run yet")]
    warehouse.append_run(uri, RunRecord("r1", NOW, NOW, "failed"))
    [finding] = examine("runs", lambda: stores.check_runs(uri))
    assert (finding.level, finding.said) == ("warning", "1 runs, none published")
    warehouse.append_run(uri, RunRecord("r2", NOW, NOW, "published", release_of="r2", table_versions={"catalog": 0}))
    [finding] = examine("runs", lambda: stores.check_runs(uri))
    assert finding.level == "error" and "catalog" in finding.said


def test_a_catalog_is_read_and_what_is_wrong_is_quoted(tmp_path: Path) -> None:
    good = '{"gif_id": "a", "uri": "a.gif"}\n'
    assert of_catalog(tmp_path / "c.jsonl", good).said.endswith("its first 1 rows can be read")
    half = of_catalog(tmp_path / "c.jsonl", good + "{\n")
    assert half.level == "warning" and "1 of its first 2 rows can't be read, such as `" in half.said
    assert of_catalog(tmp_path / "c.jsonl", "oops\n").level == "error"
    assert of_catalog(tmp_path / "c.jsonl", "").said.endswith("it has no row")
    [absent] = examine("catalog", lambda: stores.check_catalog(str(tmp_path / "x.jsonl"), COLUMNS, ","))
    assert absent.level == "error" and "there is no such file" in absent.said


def test_a_clock_that_is_off_is_told(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    [finding] = examine("clock", lambda: stores.check_clock(f"{bucket}/w"))
    assert (finding.level, finding.said) == ("ok", "0 s from the clock of S3")
    real = time.time
    monkeypatch.setattr(stores.time, "time", lambda: real() + 400)
    [finding] = examine("clock", lambda: stores.check_clock(f"{bucket}/w"))
    assert finding.level == "error" and finding.advice == "set this machine's clock by NTP"


@pytest.mark.parametrize(
    ("theirs", "level", "said"),
    [(99.0, "ok", "0 s"), (111.5, "ok", "0 s"), (50.0, "warning", "49 s"), (500.0, "error", "389 s")],
)
def test_seconds_of_the_answer_itself_are_no_difference(theirs: float, level: str, said: str) -> None:
    finding = stores.clock_finding("S3", theirs, before=100.0, after=110.0)
    assert finding.level == level and finding.said.startswith(said)
