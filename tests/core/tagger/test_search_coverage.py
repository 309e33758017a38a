"""Which searches are popular, and which of them a tagger suggests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from autotag_core.tagger.search_coverage import popular_searches, search_coverage


def test_popular_searches_are_counted_as_people_type_them(tmp_path: Path) -> None:
    sessions = [["Happy  Birthday", "cat"], ["happy birthday", "Cat", "dog"], [], ["cat"]]
    lines = [json.dumps({"session_id": f"s{at}", "queries": queries}) for at, queries in enumerate(sessions)]
    (tmp_path / "searches.jsonl").write_text("\n".join([*lines, "no json", '{"session_id": "x"}']))
    found = popular_searches(str(tmp_path / "searches.jsonl"))
    assert list(found.items()) == [("cat", 3), ("happy birthday", 2), ("dog", 1)]


def test_a_search_is_covered_where_it_is_among_the_five_likeliest_tags_of_a_gif() -> None:
    labels = ["Cat", "a", "b", "c", "d", "e", "dog"]
    probabilities = np.array([[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.05]])
    searches = {"cat": 5, "dog": 2, "e": 1, "unknown": 2}
    assert search_coverage(searches, probabilities, labels) == pytest.approx((5 + 1) / 10)
    assert search_coverage({}, probabilities, labels) is None
    assert search_coverage(searches, probabilities[:0], labels) is None
