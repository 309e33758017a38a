"""Measures of named people, by hand and against scikit-learn and statistics' textbook figures."""

from __future__ import annotations

import json

import pytest
from sklearn.metrics import f1_score

from autotag_core.faces.evaluating import JudgedGif, measure_people, share


def gif(truth: str, named: str, strangers: int = 0) -> JudgedGif:
    """A letter is a person."""
    return JudgedGif(frozenset(truth), frozenset(named), strangers)


GIFS = [gif("ab", "ab"), gif("a", ""), gif("b", "bc", 1), gif("", "", 2), gif("c", "a")]


def test_the_measures_count_gifs_pairs_and_strangers() -> None:
    found = measure_people(GIFS)
    assert found.exact is not None and found.f1 is not None and found.strangers_named is not None
    assert (found.exact.value, found.exact.count) == (0.4, 5)
    assert (found.f1.value, found.f1.count) == (pytest.approx(2 * 3 / (2 * 3 + 2 + 2)), 5)
    assert (found.strangers_named.value, found.strangers_named.count) == (pytest.approx(1 / 3), 3)


def test_f1_is_scikit_learns_over_all_pairs() -> None:
    truth = [person in one.truth for one in GIFS for person in "abc"]
    named = [person in one.named for one in GIFS for person in "abc"]
    found = measure_people(GIFS).f1
    assert found is not None and found.value == pytest.approx(f1_score(truth, named))
    assert found.low <= found.value <= found.high


def test_a_share_has_wilsons_interval() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263, and 0 of 20
    found, none = share(81, 263), share(0, 20)
    assert found is not None and none is not None
    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert (round(none.low, 4), round(none.high, 4)) == (0.0, 0.1611)


def test_where_there_is_nothing_to_measure_nothing_is_said() -> None:
    found = measure_people([])
    assert (found.exact, found.f1, found.strangers_named) == (None, None, None)
    only_empty = measure_people([gif("", "")])
    assert only_empty.f1 is None and only_empty.exact is not None and only_empty.exact.value == 1


def test_the_table_and_the_json_say_the_same() -> None:
    lines = measure_people(GIFS).to_text().splitlines()
    assert lines[1].split() == ["GIFs", "named", "exactly", "right", "0.400", "0.118", "to", "0.769", "5"]
    assert json.loads(measure_people(GIFS).to_json())["exact"]["high"] == pytest.approx(0.769, abs=1e-3)
