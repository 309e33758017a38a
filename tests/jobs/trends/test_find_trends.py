"""A planted burst in a file of events is found, written and reported; what can't be done is said in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from autotag_core.errors import InputError
from autotag_core.tables import TRENDS, VOTED_TAGS
from autotag_core.warehouse import RunRecord, append_run
from autotag_core.warehouse.own_tables import read_newest, replace_rows
from jobs.commands.app import main
from jobs.trends.find_trends import find_trends

END = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def events_of(days: int, rates: dict[tuple[str, str], float], bursts: dict[str, tuple[int, float]]) -> Iterator[str]:
    """JSON lines; a burst is by item (its last hours, its factor)."""
    rng = np.random.default_rng(3)
    for (kind, item), rate in rates.items():
        hours, factor = bursts.get(item, (0, 1.0))
        for hour in range(24 * days):
            num = rng.poisson(rate * (factor if hour >= 24 * days - hours else 1))
            for second in rng.integers(0, 3600, num):
                time = END - timedelta(hours=24 * days - hour) + timedelta(seconds=int(second))
                name = {"query": item} if kind == "search" else {"gif_id": item}
                yield json.dumps({"time": time.isoformat(), "kind": kind, **name})


@pytest.fixture
def events(tmp_path: Path) -> str:
    """Three weeks in which "Cats", its other spelling and the GIF g1 rise at the end, and two events that are none."""
    rates = {("search", name): 2.0 for name in ("Cats", "#cats", "dogs", "owls", "birds", "cows")}
    rates |= {("view", name): 2.0 for name in ("g1", "g2", "g3", "g4")}
    lines = [*events_of(21, rates, {"Cats": (6, 6), "#cats": (6, 6), "g1": (24, 4)}), "nonsense", '{"kind": "view"}']
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    return str(tmp_path / "events.jsonl")


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    """A warehouse whose release says that g1 has the tag cat, and g2 to g4 have the tag dog."""
    uri = str(tmp_path / "warehouse")
    rows = [
        {"gif_id": gif_id, "tag": tag, "source": "editorial"}
        for gif_id, tag in (("g1", "Cat"), ("g2", "dog"), ("g3", "dog"), ("g4", "dog"))
    ]
    version = replace_rows(uri, VOTED_TAGS, rows)
    append_run(uri, RunRecord("r1", END, END, "published", None, "r1", {VOTED_TAGS.name: version}))
    return uri


def test_what_rises_is_found_written_and_said(spark: SparkSession, events: str, warehouse: str) -> None:
    found = find_trends(events, warehouse)
    assert found.as_of == END
    assert dict(found.num_series) == {"gif": 4, "query": 5, "tag": 2}
    assert [(one.problem, one.num, one.sample) for one in found.left_out] == [
        ("unreadable row", 1, "nonsense"),
        ("no time", 1, '{"kind": "view"}'),
    ]
    newest = read_newest(warehouse, TRENDS)
    assert newest is not None and newest[1] == found.version == 0
    rows = newest[0].to_pylist()
    assert {(row["kind"], row["item"]) for row in rows} == {("query", "cats"), ("gif", "g1"), ("tag", "cat")}
    (now,) = (row for row in rows if (row["kind"], row["period"]) == ("query", "hour"))
    assert now["as_of"] == END and now["rank"] == 1
    assert now["observed"] > 4 * now["expected"] > 0 and now["q_value"] <= 0.01
    assert found.to_text().splitlines()[1:3] == [
        "left out: 1 with unreadable row, such as nonsense",
        'left out: 1 with no time, such as {"kind": "view"}',
    ]
    assert json.loads(found.to_json())["num_rising"]["query.hour"] == 1


def test_as_of_an_earlier_time_nothing_rises_yet_and_the_table_is_replaced(
    spark: SparkSession, events: str, warehouse: str
) -> None:
    replace_rows(warehouse, TRENDS, [{"kind": "gif", "item": "old", "period": "day"}])
    found = find_trends(events, warehouse, END - timedelta(hours=30))
    assert (found.as_of, dict(found.num_rising), found.version) == (END - timedelta(hours=30), {}, 1)
    newest = read_newest(warehouse, TRENDS)
    assert newest is not None and newest[0].num_rows == 0


def test_without_a_release_there_are_no_tags(spark: SparkSession, events: str, tmp_path: Path) -> None:
    found = find_trends(events, str(tmp_path / "new"))
    assert sorted(found.num_series) == ["gif", "query"] and found.note.startswith("no tags: no night has published")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["nonsense"], "not one usable event {time, kind, query | gif_id}: 1 with unreadable row, such as nonsense"),
        ([], "it has no rows"),
        (list(events_of(5, {("view", "a"): 1.0}, {})), "what is usual can be told from 10 days before"),
    ],
)
def test_what_is_no_log_of_events_is_an_error_in_words(
    spark: SparkSession, tmp_path: Path, lines: list[str], said: str
) -> None:
    (tmp_path / "events.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError) as caught:
        find_trends(str(tmp_path / "events.jsonl"), str(tmp_path / "warehouse"))
    assert said in str(caught.value)


def test_what_is_wrong_with_the_command_is_one_line_before_spark_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, said in [
        (("--events", f"{tmp_path}/no.jsonl"), "no.jsonl: there is no"),
        (("--events", str(tmp_path), "--as-of", "noon"), "--as-of noon: write a time such as 2026-11-30T18:00"),
        (("--events", "ftp://host/x"), "ftp"),
    ]:
        with pytest.raises(SystemExit) as caught:
            main(["trends", "--warehouse", f"{tmp_path}/warehouse", *arguments])
        assert caught.value.code == 2
        err = capsys.readouterr().err
        assert said in err and err.count("\n") == 1
