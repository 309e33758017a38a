"""The report of literal results."""

from __future__ import annotations

import json

import pytest

from autotag_core.evaluation.search_quality.ranking_measures import RankingMeasures
from autotag_core.evaluation.search_quality.search_report import QueryResult, SearchReport, Side


def side(num_hits: int, ndcg: float, recall: float) -> Side:
    return Side(num_hits, RankingMeasures(ndcg, recall))


REPORT = SearchReport(
    "raw",
    "gifs",
    20,
    (
        QueryResult("cat", 8, 3, side(3, 0.5, 0.5), side(9, 1.0, 1.0)),
        QueryResult("dog\x1b", 2, 1, side(2, 1.0, 1.0), side(2, 0.5, 1.0), ("b was 1 and is 2",)),
        QueryResult("cow", 1, 1, side(0, 0.0, 0.5), side(1, 0.0, 0.25)),
        QueryResult("unknown", 1, 0, Side(0, None), Side(4, None)),
    ),
)


def test_the_means_count_searches_and_leave_out_what_nobody_has_judged() -> None:
    means = REPORT.means()
    assert {name: (one.before, one.after) for name, one in means.items() if one} == {
        "nDCG@10": (pytest.approx(6 / 11), pytest.approx(9 / 11)),
        "recall@50": (pytest.approx(6.5 / 11), pytest.approx(10.25 / 11)),
        "zero results": (pytest.approx(2 / 12), 0.0),
    }


def test_a_query_that_loses_is_named_with_why_and_the_greatest_loss_comes_first() -> None:
    assert [one.query for one in REPORT.lost] == ["dog\x1b", "cow"]
    lines = REPORT.to_text().splitlines()
    assert lines[1] == "4 queries, 12 of the 20 searches of the log; 3 of them have a right GIF"
    assert lines[3].startswith("nDCG@10          0.545   0.818      +0.273")
    assert lines[-4:] == [
        "2 queries lose:",
        "  'dog\\x1b' (2): nDCG@10 1.000 -> 0.500, recall@50 1.000 -> 1.000",
        "    b was 1 and is 2",
        "  'cow' (1): nDCG@10 0.000 -> 0.000, recall@50 0.500 -> 0.250",
    ]


def test_the_report_is_one_line_or_one_json_object_too() -> None:
    assert REPORT.to_line().startswith("search-eval: 4 queries on raw and gifs, 2 find less: nDCG@10 0.545 -> 0.818 (")
    found = json.loads(REPORT.to_json())
    assert found["means"]["zero results"]["difference"] == pytest.approx(-2 / 12)
    assert found["queries"][1]["why"] == ["b was 1 and is 2"]
    assert found["queries"][3]["after"] == {"num_hits": 4, "measures": None}
