"""The report at the end of a night: written where people find it, and never the reason that a night fails."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import structlog
from deltalake import write_deltalake
from structlog.testing import capture_logs

from autotag_core import storage
from autotag_core.config import Config, ReportsConfig
from autotag_core.local_machine import S3Server
from autotag_core.tables import CATALOG, FAILURES, VOTED_TAGS, Table
from autotag_core.warehouse import RunRecord, append_run, table_uri
from jobs.reports.write_report import report_night, write_report
from jobs.run.run import Run

NOW = datetime(2026, 11, 29, tzinfo=UTC)
ROWS: dict[Table, list[dict[str, Any]]] = {
    CATALOG: [{"gif_id": "a", "uri": "s3a://gifs/a.gif", "tags": ["cat"], "popularity": 3, "split": "train"}],
    VOTED_TAGS: [{"gif_id": "a", "tag": "cat", "source": "confirmed", "probability": 0.9, "confidence": 1.0}],
    FAILURES: [],
}


def publish(warehouse: str) -> str:
    """Publish run r1 with a GIF."""
    for table, rows in ROWS.items():
        uri = table_uri(warehouse, table.name)
        options = storage.storage_options(uri)
        rows_as_arrow = pa.Table.from_pylist(rows, schema=table.plain_schema)
        write_deltalake(uri.replace("s3a://", "s3://"), rows_as_arrow, storage_options=options)
    append_run(warehouse, RunRecord("r1", NOW, NOW, "published", None, "r1", {table.name: 0 for table in ROWS}))
    return warehouse


def run_of(warehouse: str, **settings: Any) -> Run:
    nothing: Any = None
    log: Any = structlog.get_logger()
    return Run(nothing, Config(reports=ReportsConfig(**settings)), warehouse, log, nothing, "r1")


def test_it_is_written_into_the_warehouse_and_the_run_knows_where(tmp_path: Path) -> None:
    run = run_of(publish(str(tmp_path)))
    with capture_logs() as logs:
        report_night(run)
    assert run.facts.report == f"{tmp_path}/reports/r1.html"
    assert "Night of Sunday, 29 November 2026" in Path(run.facts.report).read_text(encoding="utf-8")
    assert [(line["event"], line["log_level"]) for line in logs] == [("report written", "info")]


def test_a_report_that_can_not_be_written_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("somebody's file in the place of the folder")
    run = run_of(publish(str(tmp_path)))
    with capture_logs() as logs:
        report_night(run)
    assert run.facts.report is None
    assert [line["log_level"] for line in logs] == ["warning"] and "reports" in logs[0]["reason"]


def test_without_the_setting_nothing_is_written(tmp_path: Path) -> None:
    run = run_of(publish(str(tmp_path)), enabled=False)
    report_night(run)
    assert run.facts.report is None and not (tmp_path / "reports").exists()


def test_it_goes_where_it_is_asked_to(tmp_path: Path) -> None:
    publish(str(tmp_path / "warehouse"))
    out = str(tmp_path / "pages" / "page.html")
    assert write_report(str(tmp_path / "warehouse"), out=out) == out
    assert Path(out).read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.integration
def test_on_s3_a_browser_is_told_that_it_is_a_page(s3: S3Server, bucket: str) -> None:
    uri = write_report(publish(f"{bucket}/warehouse"))
    assert uri == f"{bucket}/warehouse/reports/r1.html"
    name = bucket.removeprefix("s3a://")
    found = s3.client().head_object(Bucket=name, Key="warehouse/reports/r1.html")
    assert found["ContentType"].replace(" ", "") == "text/html;charset=utf-8"
