"""What the report says of a night, in literal rows; and its SQL, run by DuckDB, says the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb_extensions import import_extension

from autotag_core.errors import InputError
from autotag_core.reports.night import night_queries as sql
from autotag_core.reports.night.night_report import GifChanges, NightReport, read_night
from autotag_core.reports.night.tag_counts import Mover
from autotag_core.warehouse.retention import drop_old_versions
from tests.core.reports.conftest import BINS, MARKUP, first_night, second_night


@pytest.fixture
def report(two_nights: str) -> NightReport:
    return read_night(two_nights)


@pytest.fixture(scope="module")
def ask() -> Callable[[str], list[tuple[Any, ...]]]:
    """Rows that DuckDB gives for SQL over Delta tables."""
    import_extension("delta")
    return lambda query: duckdb.sql(query).fetchall()


def test_it_says_which_gifs_came_and_went(report: NightReport) -> None:
    assert report.run.run_id == "r2" and report.earlier is not None and report.earlier.run_id == "r1"
    assert report.gifs == GifChanges(num=3, added=1, gone=1)


def test_it_counts_what_became_of_tags_beside_the_release_before(report: NightReport) -> None:
    assert report.sources == {"confirmed": 1, "unconfirmed": 4, "voted": 3, "proposed": 1}
    assert report.sources_before == {"confirmed": 2, "unconfirmed": 1}


def test_suspicious_are_own_tags_that_evidence_speaks_against_most_viewed_first(report: NightReport) -> None:
    found = [(tag.gif_id, tag.tag, tag.popularity, tag.probability) for tag in report.suspicious]
    assert found == [
        ("cat", MARKUP, 900, pytest.approx(0.02)),
        ("new", "wrong", 300, pytest.approx(0.1)),
        ("dog", "Lazy  Dog", 70, None),
    ]


def test_new_tags_of_the_most_viewed_gifs_come_likeliest_first(report: NightReport) -> None:
    assert [(tag.gif_id, tag.tag) for tag in report.added] == [("cat", "kitten"), ("new", "cat"), ("dog", "dog")]


def test_movers_are_tags_whose_number_of_gifs_changed(report: NightReport) -> None:
    assert report.movers == [Mover("cat", 1, 2), Mover("kitten", 0, 1), Mover("old", 0, 1), Mover("puppy", 0, 1)]


def test_without_a_release_before_movers_are_since_the_uploaders(publish: Callable[..., str], tmp_path: Path) -> None:
    report = read_night(publish("r1", 28, first_night(tmp_path)))
    assert report.movers == [Mover("old", 1, 0)]
    assert report.earlier is None and report.gifs == GifChanges(3, None, None)


def test_searches_are_covered_by_tags_of_their_words(report: NightReport) -> None:
    found = report.coverage
    assert found is not None and found.num_searches == 5
    assert found.found == (3, 1, 2)  # the lazy dog and the markup were demoted, the kitten is new
    assert found.enough == (0, 0, 0)
    assert [(one.query, one.uploaded, one.before, one.after) for one in found.gained] == [
        ("cat", 1, 1, 2),
        ("kitten", 0, 0, 1),
    ]
    assert [one.query for one in found.missing] == [MARKUP, "lazy dog", "owl"]


def test_failures_come_by_reason_with_three_examples(report: NightReport) -> None:
    assert [(one.stage, one.reason, one.num, one.examples) for one in report.failures] == [
        ("frames", "not_found", 5, [(f"gone{number}", f"no {MARKUP}") for number in range(3)]),
        ("catalog", "missing_uri", 1, [("", "no uri")]),
    ]


def test_weights_of_experts_come_night_by_night(report: NightReport) -> None:
    assert [(one.run_id, one.expert, one.weight) for one in report.weights] == [
        ("r1", "imagenet", 0.3),
        ("r1", "semantic", 0.5),
        ("r2", "imagenet", 0.35),
        ("r2", "semantic", 0.45),
    ]


def test_copies_and_calibration_are_those_of_the_run(report: NightReport) -> None:
    assert report.groups is not None
    assert (report.groups.num_groups, report.groups.num_gifs) == (1, 2)
    assert report.groups.largest == [("cat", 2, ["cat", "new"])]
    assert report.calibration["reliability"] == BINS


def test_an_earlier_run_is_compared_with_the_one_before_it(two_nights: str) -> None:
    report = read_night(two_nights, "r1")
    assert (report.run.run_id, report.earlier, [run.run_id for run in report.runs]) == ("r1", None, ["r1"])
    with pytest.raises(InputError, match="run r9 published nothing"):
        read_night(two_nights, "r9")


def test_a_release_before_whose_files_are_gone_is_not_compared_with(two_nights: str) -> None:
    assert drop_old_versions(two_nights, keep=1)["voted_tags"] == 1
    report = read_night(two_nights)
    assert report.earlier is None and report.sources_before == {} and report.gifs.added is None


def test_the_sql_gives_the_numbers_of_the_page(report: NightReport, ask: Callable[..., list[tuple[Any, ...]]]) -> None:
    now = sql.Tables(report.warehouse, report.run)
    assert report.earlier is not None
    before = sql.Tables(report.warehouse, report.earlier)
    assert ask(sql.gifs_sql(now, before)) == [(3, 1, 1)]
    assert ask(sql.gifs_sql(now, None)) == [(3,)]
    assert dict(ask(sql.sources_sql(now))) == report.sources
    assert dict(ask(sql.sources_sql(before))) == report.sources_before
    assert [Mover(*row) for row in ask(sql.movers_sql(now, before, 16))] == report.movers
    for query, tags in ((sql.suspicious_sql(now, 24), report.suspicious), (sql.added_sql(now, 16), report.added)):
        assert ask(query) == [(tag.gif_id, tag.tag, tag.popularity, tag.probability) for tag in tags]
    covered = {name: (searches, found, enough) for name, searches, found, enough in ask(sql.coverage_sql(now, before))}
    assert covered == {"uploaded": (5, 3, 0), "before": (5, 1, 0), "after": (5, 2, 0)}
    failures = ask(sql.failures_sql(now))
    assert [row[:3] for row in failures] == [("frames", "not_found", 5), ("catalog", "missing_uri", 1)]
    assert ask(sql.groups_sql(now)) == [(1, 2)] and ask(sql.largest_groups_sql(now)) == [("cat", 2)]
    assert report.rising is not None and [one.item for one in report.rising] == ["cat", MARKUP]
    assert [row[:7] for row in ask(sql.trends_sql(now, 10))] == [
        (one.kind, one.period, one.rank, one.item, one.observed, one.expected, one.window_hours)
        for one in report.rising
    ]
    assert [row[:2] for row in ask(sql.weights_sql(now))] == [("imagenet", 0.35), ("semantic", 0.45)]
    course = ask(sql.weights_course_sql([before, now]))
    assert course == [(one.run_id, one.expert, one.weight) for one in report.weights]
    assert ask(sql.calibration_sql(now)) == [(report.run.calibration,)]
    assert dict(ask(sql.gates_sql(now))) == report.run.gates
    stages = {(run_id, stage): (seconds, rows) for run_id, stage, seconds, rows in ask(sql.stages_sql(now))}
    assert stages["r2", "votes"] == (8.0, None) and stages["r1", "catalog"] == (3.0, 3)


def test_without_a_release_before_the_sql_of_movers_is_since_the_uploaders(
    publish: Callable[..., str], tmp_path: Path, ask: Callable[..., list[tuple[Any, ...]]]
) -> None:
    warehouse = publish("r1", 28, second_night(tmp_path))
    report = read_night(warehouse)
    query = sql.movers_sql(sql.Tables(warehouse, report.run), None, 16)
    assert [Mover(*row) for row in ask(query)] == report.movers and len(report.movers) > 2
