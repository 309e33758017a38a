"""Drawn searches are of true tags, and the same for the same seed."""

from __future__ import annotations

from autotag_core.sample.searchers import draw_queries

TRUTH = [{"gif_id": "a", "tags": ["sea", "cat"]}, {"gif_id": "b", "tags": ["new york"]}, {"gif_id": "c", "tags": []}]


def test_a_search_is_one_to_three_true_tags_of_one_gif_the_most_frequent_first() -> None:
    found = draw_queries(TRUTH, 200, seed=7)
    assert set(found) == {"sea", "cat", "cat sea", "new york"}
    assert sum(found.values()) == 200
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found == draw_queries(TRUTH, 200, seed=7) != draw_queries(TRUTH, 200, seed=8)
    assert draw_queries([], 200, seed=7) == {}
