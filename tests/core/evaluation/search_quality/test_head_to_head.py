"""Pairs that say nothing of their sides, and counted choices, from literal rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.evaluation.search_quality.head_to_head import BlindPair, count_choices, draw_pairs
from autotag_core.evaluation.search_quality.lost_queries import Answers
from autotag_core.search import SearchHit


def hits(ids: str) -> list[SearchHit]:
    return [SearchHit(gif_id, 1.0, (), None, f"/{gif_id}.gif") for gif_id in ids]


ANSWERS = {
    "same": Answers({}, hits("abcdefg"), hits("abcdefz")),
    "cat": Answers({}, hits("ab"), hits("ba")),
    "dog": Answers({}, hits("abcdefgh"), []),
}
COUNTS = {"same": 9, "cat": 1, "dog": 1}


def rows(pairs: list[BlindPair], *choices: str) -> str:
    """The file that the page saves."""
    lines = [
        f'"{pair.page}","{pair.number}","{pair.pair}","{choice}","query"'
        for pair, choice in zip(pairs, choices, strict=True)
    ]
    return "\r\n".join(['"page","number","pair","choice","query"', *lines]) + "\r\n"


def is_after_left(pair: BlindPair) -> bool:
    return "".join(hit.gif_id for hit in pair.left) in ("ba", "")


def test_only_queries_whose_first_six_gifs_differ_are_compared_each_once() -> None:
    pairs = draw_pairs(ANSWERS, COUNTS, 30, seed=1)
    assert sorted((pair.query, pair.number) for pair in pairs) in ([("cat", 1), ("dog", 2)], [("cat", 2), ("dog", 1)])
    assert {len(pair.left) + len(pair.right) for pair in pairs} == {4, 6}
    assert draw_pairs({"same": ANSWERS["same"]}, COUNTS, 30, seed=1) == []


def test_who_is_on_the_left_is_a_coin_and_the_code_of_a_pair_does_not_repeat() -> None:
    drawn = [pair for seed in range(60) for pair in draw_pairs(ANSWERS, COUNTS, 1, seed)]
    lefts = [is_after_left(pair) for pair in drawn]
    assert 10 < sum(lefts) < 50
    assert len({pair.pair for pair in drawn}) == 60


def test_choices_are_counted_for_who_stood_on_that_side(tmp_path: Path) -> None:
    for seed in range(8):
        pairs = draw_pairs(ANSWERS, COUNTS, 2, seed)
        choices = ["left" if is_after_left(pair) else "right" for pair in pairs]
        (tmp_path / "after.csv").write_text(rows(pairs, *choices))
        found = count_choices([str(tmp_path / "after.csv")])
        assert (found.num_before, found.num_after, found.num_ties) == (0, 2, 0)
        against = ["right" if choice == "left" else "left" for choice in choices]
        (tmp_path / "mixed.csv").write_text(rows(pairs, against[0], "tie"))
        found = count_choices([str(tmp_path / "mixed.csv")])
        assert (found.num_before, found.num_after, found.num_ties) == (1, 0, 1)


def test_people_who_saw_the_same_pair_are_one_decision_by_majority(tmp_path: Path) -> None:
    (pair,) = draw_pairs({"cat": ANSWERS["cat"]}, COUNTS, 1, seed=1)
    after, before = ("left", "right") if is_after_left(pair) else ("right", "left")
    files = []
    for person, choices in enumerate([(before, after), (after,), (before,)]):  # the first one thought again
        path = tmp_path / f"{person}.csv"
        path.write_text(rows([pair] * len(choices), *choices))
        files.append(str(path))
    assert count_choices(files).num_after == 1
    assert count_choices(files[1:]).num_ties == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("page,number,pair,query\n", "no column choice"),
        ("page,number,pair,choice,query\n", "no decision"),
        ("page,number,pair,choice,query\nx,1,y,up,cat\n", "line 2: the choice is 'up', it must be left, right or tie"),
        ("page,number,pair,choice,query\nx,one,y,left,cat\n", "the number is 'one'"),
        ("page,number,pair,choice,query\nx,1,y,left,cat\n", "the pair 'y' is none of the page 'x'"),
    ],
)
def test_a_file_that_no_page_has_saved_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "choices.csv").write_text(text)
    with pytest.raises(InputError, match=says):
        count_choices([str(tmp_path / "choices.csv")])
