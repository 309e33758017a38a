"""Which GIFs a truth calls right for a query."""

from __future__ import annotations

from autotag_core.evaluation.search_quality.relevance import true_tags, truth_relevance

TRUTH = [
    {"gif_id": "a", "tags": ["Black", "cat"]},
    {"gif_id": "b", "tags": ["black cat"]},
    {"gif_id": "c", "tags": ["black", "dog"]},
    {"gif_id": "d", "tags": ["new  york", "cat"]},
]


def test_a_gif_is_right_if_its_true_tags_one_after_the_other_are_the_query() -> None:
    found = truth_relevance(["black cat", "BLACK", "new york cat", "cat new york", "cat black"], TRUTH)
    assert found == {
        "black cat": {"a": 1, "b": 1},
        "black": {"a": 1, "c": 1},
        "new york cat": {"d": 1},
        "cat new york": {"d": 1},
        "cat black": {"a": 1},
    }


def test_a_query_with_a_word_that_no_tag_has_has_no_right_gif() -> None:
    assert truth_relevance(["york", "black zebra", " "], TRUTH) == {}


def test_without_a_log_every_true_tag_is_asked_once() -> None:
    assert true_tags(TRUTH) == {"black": 1, "black cat": 1, "cat": 1, "dog": 1, "new york": 1}
