"""Why a query loses, on literal answers."""

from __future__ import annotations

from autotag_core.evaluation.search_quality.lost_queries import Answers, sunk_gifs, why_lost
from autotag_core.search import SearchHit


def hit(gif_id: str, *tags: tuple[str, float]) -> SearchHit:
    return SearchHit(gif_id, 1.0, tags, None, None)


CAT = ("cat", 1.0)


def test_each_right_gif_that_sank_says_what_its_tag_weighs_now() -> None:
    before = [hit("a", CAT), hit("b", CAT), hit("c", CAT), hit("d"), hit("e", CAT)]
    after = [hit("x", ("cat", 0.9)), hit("y"), hit("a", ("cat", 0.4)), hit("e", CAT)]
    answers = Answers(dict.fromkeys("abcd", 1), before, after)
    assert sunk_gifs(answers) == ["a", "b", "c", "d"]
    assert why_lost(answers, {"a": {"cat": 0.4}, "b": {"dog": 1.0}, "d": {}}) == (
        "a was 1 and is 3: its tag 'cat' weighs 0.40 and weighed 1.00",
        "b was 2 and is not among the first 50: its tag 'cat' is gone",
        "c was 3 and is not among the first 50: it is not in the index",
        "1 more right GIFs rank lower",
        "3 of its first 4 are not right: x by its tag 'cat' 0.90, y by its caption or text, e by its tag 'cat' 1.00",
    )


def test_a_gif_whose_tag_weighs_the_same_was_overtaken() -> None:
    answers = Answers({"a": 1}, [hit("a", CAT)], [hit("x", CAT), hit("a", CAT)])
    assert why_lost(answers, {"a": {"cat": 1.0}}) == (
        "a was 1 and is 2: its tag 'cat' weighs 1.00, and others rank above it",
        "1 of its first 2 are not right: x by its tag 'cat' 1.00",
    )


def test_a_search_that_finds_nothing_any_more_says_so() -> None:
    assert why_lost(Answers({"a": 1}, [hit("a")], []), {"a": {}})[-1] == "it finds nothing"


def test_a_gif_that_rose_or_that_was_beyond_the_first_ten_on_both_sides_has_not_sunk() -> None:
    others = [hit(f"x{number}") for number in range(12)]
    answers = Answers(
        {"a": 1, "b": 1}, [hit("x"), hit("a"), *others, hit("b")], [hit("a"), *others, hit("y"), hit("b")]
    )
    assert sunk_gifs(answers) == []
