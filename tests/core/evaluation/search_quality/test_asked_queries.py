"""What is asked, from literal files."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.evaluation.search_quality.asked_queries import most_frequent, read_asked


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    rows = {
        "log": "query,count\nDog,2\ncat,5\nfish,1\n cat,1\n",
        "truth": '{"gif_id": "a", "tags": ["cat", "pet"]}\n',
        "clicks": "query,gif_id,clicks\ncat,b,7\n",
    }
    for name, text in rows.items():
        (tmp_path / f"{name}.{'jsonl' if name == 'truth' else 'csv'}").write_text(text)
    return {path.stem: str(path) for path in tmp_path.iterdir()}


def test_the_most_frequent_queries_of_a_log_are_asked_and_all_its_searches_counted(files: dict[str, str]) -> None:
    found = read_asked(files["log"], files["truth"], None, most=2)
    assert (list(found.counts.items()), found.num_searches) == ([("cat", 6), ("dog", 2)], 9)
    assert found.relevance == {"cat": {"a": 1}}
    assert most_frequent({"b": 1, "a": 1, "c": 5}, 2) == {"c": 5, "a": 1}


def test_what_is_right_comes_from_clicks_or_from_nowhere(files: dict[str, str]) -> None:
    assert read_asked(files["log"], None, files["clicks"], most=9).relevance == {"cat": {"b": 3}}
    assert read_asked(files["log"], None, None, most=9).relevance == {}


def test_without_a_log_the_tags_of_the_truth_are_asked(files: dict[str, str]) -> None:
    assert read_asked(None, files["truth"], None, most=9).counts == {"cat": 1, "pet": 1}
    for given in ((None, None, None), (None, None, files["clicks"])):
        with pytest.raises(InputError, match="give --queries FILE, or --truth FILE"):
            read_asked(*given, most=9)
    with pytest.raises(InputError, match="one at a time"):
        read_asked(files["log"], files["truth"], files["clicks"], most=9)
