"""The summary says what is there, letter by letter, and never makes a published run look like a failed one."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import structlog
from rich.console import Console
from rich.table import Table
from structlog.testing import capture_logs

from autotag_core.config import Config
from jobs.release import print_summary as summary
from jobs.release.print_summary import print_summary
from jobs.run.run import Run


class Rows:
    """What print_summary asks a table: any query, these rows."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: self

    def collect(self) -> list[dict[str, Any]]:
        return self.rows


TABLES = {
    "voted_tags": Rows({"source": "confirmed", "count": 3}, {"source": "voted", "count": 1}),
    "expert_weights": Rows(
        {
            "expert": "semantic",
            "weight": 0.5,
            "weight_low": 0.4,
            "weight_high": 0.6,
            "num_correct": 5,
            "num_evaluated": 10,
            "evaluated_on": "validation",
            "weight_of_all": 0.25,
            "weight_on_new_tags": None,
        }
    ),
}
EXAMPLE = {
    "gif_id": "[red]7",
    "tags": ["[/lol]", ":smile:"],
    "voted": [
        {"tag": "[lol]", "confidence": 1.0, "source": "confirmed"},
        {"tag": "[/b]", "confidence": 0.7, "source": "unconfirmed"},
        {"tag": ":cat:", "confidence": 0.5, "source": "voted"},
    ],
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    log: Any = structlog.get_logger()
    nothing: Any = None
    run = Run(nothing, Config(), "s3a://gifs/[new]", log, nothing)
    run.facts.seconds, run.facts.rows_in, run.facts.rows_out = {"catalog": 1.25}, {"catalog": 4}, {"catalog": 3}
    run.failures.counts = {"catalog:missing_uri": 1, "frames:not_found": 2}
    monkeypatch.setattr(run.tables, "read", lambda table: TABLES[table.name])
    monkeypatch.setattr(summary, "_examples", lambda _: [EXAMPLE])
    return run


def printed(run: Run, **options: Any) -> str:
    console = Console(file=StringIO(), width=120, **options)
    print_summary(run, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_it_says_what_became_of_the_rows_the_tags_and_the_experts(run: Run) -> None:
    run.facts.elasticsearch_index = "gifs-1"
    lines = [line.rstrip() for line in printed(run).splitlines()]
    assert f"Published run {run.run_id} in s3a://gifs/[new]" in lines
    assert "Failures: 2 x frames:not_found, 1 x catalog:missing_uri" in lines
    assert "Tags: 3 confirmed, 0 demoted, 1 added, 0 kept untouched; 0 more proposed by the rule learned" in lines
    assert any(line.split() == ["catalog", "4", "3", "1.2"] for line in lines)
    assert any(line.startswith("semantic") and "5 of 10 validation" in line and "0.54" in line for line in lines)
    assert "Search: index gifs-1" in lines


def test_tags_that_look_like_markup_or_emoji_are_shown_as_they_are(run: Run) -> None:
    for options in ({}, {"force_terminal": True, "color_system": None}):
        text = printed(run, **options)
        assert "  [red]7: [/lol], :smile:\n" in text
        assert "    -> [lol] 1.00, -[/b] 0.70, +:cat: 0.50\n" in text


def test_a_summary_that_can_not_be_made_is_a_warning(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: Any) -> Table:
        raise RuntimeError("the executor is gone")

    monkeypatch.setattr(summary, "_weight_table", gone)
    with capture_logs() as logs:
        text = printed(run)
    assert "Published run" in text
    assert [(line["log_level"], line["reason"]) for line in logs] == [("warning", "RuntimeError: the executor is gone")]
