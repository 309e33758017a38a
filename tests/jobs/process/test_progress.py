"""Progress and logs: plain lines where nobody watches, never more than there is, never in the way of the stage."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.process import progress
from jobs.process.progress import Progress

ROOT = Path(__file__).resolve().parents[3]


class Lines:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def info(self, event: str, **fields: Any) -> None:
        self.seen.append({"event": event, **fields})


def run_tasks(spark: SparkSession, num_tasks: int, seconds: float) -> None:
    def wait(_: object) -> None:
        time.sleep(seconds)

    spark.sparkContext.parallelize(range(num_tasks), num_tasks).foreach(wait)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_POLL_S", 0.05)
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 0.1)


def test_plain_lines_say_done_of_total_rate_and_time_left(spark: SparkSession) -> None:
    log = Lines()
    shown = Progress(spark.sparkContext, is_terminal=False)
    with shown.stage(log, "frames", "GIFs"):
        shown.expect(80)
        run_tasks(spark, 8, 0.5)
    lines = [line for line in log.seen if line["done"]]
    assert lines, "no line came while tasks were done"
    assert {(line["event"], line["stage"], line["total"], line["unit"]) for line in lines} == {
        ("progress", "frames", 80, "GIFs")
    }
    done = [line["done"] for line in lines]
    assert done == sorted(done) and done[0] > 0 and done[-1] <= 80
    assert all(line["per_s"] >= 0 for line in lines) and any("left_s" in line for line in lines)
    num_lines = len(log.seen)
    time.sleep(0.3)
    assert len(log.seen) == num_lines, "nothing is said after the stage"


def test_a_stage_of_unknown_size_says_only_how_long_it_takes(spark: SparkSession) -> None:
    log = Lines()
    with Progress(spark.sparkContext, is_terminal=False).stage(log, "catalog", "rows"):
        time.sleep(0.4)
    assert log.seen == [{"event": "progress", "stage": "catalog", "elapsed_s": 0}] * len(log.seen) and log.seen


@pytest.mark.parametrize(("fails", "said"), [(False, "80/80"), (True, "0/80")])
def test_the_bar_of_a_terminal_is_full_only_when_the_stage_is_done(
    fails: bool, said: str, spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        shown = Progress(spark.sparkContext, is_terminal=True)
        with shown.stage(Lines(), "frames", "GIFs"):
            shown.expect(80)
            time.sleep(0.2)
            if fails:
                raise ValueError("broken")
    except ValueError:
        pass
    assert said in capsys.readouterr().err.splitlines()[-1]


class Shares:
    """A progress whose Spark jobs are done by so much, one number a look."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *shares: float) -> None:
        found = iter(shares)
        monkeypatch.setattr(Progress, "_share_done", lambda _: next(found, shares[-1]))


def test_done_never_falls_and_nothing_is_said_of_time_left_while_a_further_job_catches_up(
    monkeypatch: pytest.MonkeyPatch, context: Any
) -> None:
    monkeypatch.setattr(progress, "_LINE_EVERY_S", 0.0)
    Shares(monkeypatch, 0.25, 0.5, 0.0, 0.25, 0.75)
    log = Lines()
    shown = Progress(context, is_terminal=False)
    with shown.stage(log, "scores", "GIFs"):
        shown.expect(80)
        time.sleep(0.5)
    assert [line["done"] for line in log.seen[:5]] == [20, 40, 40, 40, 60]
    assert ["left_s" in line for line in log.seen[:5]] == [True, True, False, False, True]


def test_a_stage_that_finds_out_its_size_says_it_from_then_on(monkeypatch: pytest.MonkeyPatch, context: Any) -> None:
    Shares(monkeypatch, 0.5)
    log, shown = Lines(), Progress(context, is_terminal=False)
    with shown.stage(log, "catalog", "rows"):
        time.sleep(0.25)
        shown.expect(40)
        time.sleep(0.25)
    assert "done" not in log.seen[0] and log.seen[-1]["total"] == 40 and log.seen[-1]["done"] == 20
    shown.expect(1)  # no stage runs


@pytest.fixture
def context() -> Any:
    return SimpleNamespace(statusTracker=lambda: None)


LOG = """
from jobs.process.logs import configure_logs
log = configure_logs().bind(run_id="r1")
log.info("stage finished", stage="votes", rows_out=3, message='two\\nlines and "quotes"', nothing=None)
log.debug("not shown")
"""


def test_a_log_line_is_one_line_with_its_run_and_goes_to_standard_error() -> None:
    done = subprocess.run([sys.executable, "-c", LOG], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    time_of_day, _, rest = line.partition(" ")
    assert time_of_day.startswith("timestamp=20") and time_of_day.endswith("Z")
    assert rest.startswith('level=info run_id=r1 event="stage finished" stage=votes ')
    assert "rows_out=3" in rest and r"two\nlines and \"quotes\"" in rest


STDLIB = """
import logging, threading
from jobs.process.logs import bind_run, configure_logs
configure_logs(); configure_logs()
logging.getLogger("udfs.neighbors.search").info("%d shards of %s", 3, "imagenet")
bind_run("r1")
logging.getLogger("autotag_core.search").warning("not marked")
logging.getLogger("py4j").info("noise")
logging.getLogger("urllib3").warning("a library\'s warning")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("jobs.x").exception("broken")
"""


def test_what_the_standard_library_logs_has_the_same_form_and_the_run() -> None:
    done = subprocess.run([sys.executable, "-c", STDLIB], cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line.partition(" ")[2] for line in done.stderr.splitlines()]
    assert lines[:3] == [
        'level=info event="3 shards of imagenet" logger=udfs.neighbors.search',
        'level=warning run_id=r1 event="not marked" logger=autotag_core.search',
        'level=warning run_id=r1 event="a library\'s warning" logger=urllib3',
    ]
    assert len(lines) == 4 and "level=error run_id=r1 event=broken" in lines[3] and "ZeroDivisionError" in lines[3]
