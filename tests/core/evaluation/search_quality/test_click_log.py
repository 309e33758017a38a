"""Literal clicks in, grades out."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.evaluation.search_quality.click_log import read_click_relevance


def written(tmp_path: Path, text: str, name: str = "clicks.csv") -> str:
    (tmp_path / name).write_text(text)
    return str(tmp_path / name)


def test_grades_follow_the_share_of_the_most_clicked_gif_and_one_click_is_none(tmp_path: Path) -> None:
    rows = "query,gif_id,clicks\nCat,a,100\ncat ,b,50\ncat,c,49\ncat,d,20\ncat,e,19\ncat,f,1\ndog,a,1\n"
    assert read_click_relevance(written(tmp_path, rows)) == {"cat": {"a": 3, "b": 3, "c": 2, "d": 2, "e": 1}}


def test_rows_are_single_clicks_where_they_have_no_count(tmp_path: Path) -> None:
    rows = '{"query": "cat", "gif_id": "a"}\n{"query": "cat", "gif_id": "a"}\n{"query": "cat", "gif_id": "b"}\n'
    assert read_click_relevance(written(tmp_path, rows, "clicks.jsonl")) == {"cat": {"a": 3}}


def test_a_click_where_fewer_people_look_counts_more_up_to_ten_times(tmp_path: Path) -> None:
    rows = "query,gif_id,clicks,rank\ncat,a,40,1\ncat,b,4,8\ncat,c,2,4\ncat,d,2,40\n"
    assert read_click_relevance(written(tmp_path, rows)) == {"cat": {"a": 3, "b": 3, "c": 2, "d": 3}}


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("query,gif_id,clicks\ncat,a,many\n", "the clicks of 'cat' are 'many', it must be a whole number"),
        ("query,clicks\ncat,1\n", "gif_id"),
        ("query,gif_id\ncat,a\n", "no GIF has 2 clicks for a query"),
    ],
)
def test_a_log_that_says_nothing_is_refused(rows: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=says):
        read_click_relevance(written(tmp_path, rows))
